package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;

/**
 * Hands out loopback ports: the preferred one where it is free, else any free one. No port is given
 * twice, as a service may bind long after it was told its port.
 */
final class Ports {

  private final Set<Integer> given = new HashSet<>();

  synchronized int take(int preferred) {
    int port = preferred;
    while (given.contains(port) || !isFree(port)) {
      port = anyFree();
    }
    given.add(port);
    return port;
  }

  static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      // A port whose last connections are in TIME_WAIT is free to a server; one that is bound is
      // not.
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }

  private static int anyFree() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port on the loopback interface", e);
    }
  }
}
