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
    try (Ports ports = new Ports()) {
      assertThat(ports.take(free)).isEqualTo(free);
    }
  }

  @Test
  void takesAnotherWhereThePreferredOneIsTaken() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Ports ports = new Ports()) {
      int port = ports.take(taken.getLocalPort());
      assertThat(port).isNotEqualTo(taken.getLocalPort());
      assertThat(Ports.isFree(port)).isTrue();
    }
  }

  @Test
  void givesNoPortToTwoInstallationsThatStartTogether() {
    try (Ports one = new Ports();
        Ports other = new Ports()) {
      int port = one.take(Fleet.SCHEDULER_PORT);
      assertThat(other.take(port)).as("given, but not bound yet").isNotEqualTo(port);
    }
  }

  @Test
  void aPortOfAnInstallationThatEndedCanBeTaken() {
    int port;
    try (Ports ended = new Ports()) {
      port = ended.take(Fleet.SCHEDULER_PORT);
    }
    try (Ports next = new Ports()) {
      assertThat(next.take(port)).isEqualTo(port);
    }
  }

  @Test
  void givesNoPortTwiceEvenBeforeItIsBound() {
    try (Ports ports = new Ports()) {
      int first = ports.take(Fleet.SCHEDULER_PORT);
      assertThat(ports.take(first)).isNotEqualTo(first);
    }
  }
}
