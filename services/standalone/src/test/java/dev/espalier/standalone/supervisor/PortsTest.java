package dev.espalier.standalone.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

class PortsTest {

  @Test
  void takesThePreferredPortWhereItIsFree() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    assertThat(new Ports().take(free)).isEqualTo(free);
  }

  @Test
  void takesAnotherWhereThePreferredOneIsTaken() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = new Ports().take(taken.getLocalPort());
      assertThat(port).isNotEqualTo(taken.getLocalPort());
      assertThat(Ports.isFree(port)).isTrue();
    }
  }

  @Test
  void givesNoPortTwiceEvenBeforeItIsBound() {
    Ports ports = new Ports();
    int first = ports.take(Fleet.SCHEDULER_PORT);
    assertThat(ports.take(first)).isNotEqualTo(first);
  }
}
