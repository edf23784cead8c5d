package dev.espalier.standalone.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Ports of this machine that nobody listens on. */
public final class FreePort {

  private FreePort() {}

  public static int find() {
    try (var socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("expected a free port on loopback", e);
    }
  }

  public static int findOtherThan(int taken) {
    int port = find();
    while (port == taken) {
      port = find();
    }
    return port;
  }
}
