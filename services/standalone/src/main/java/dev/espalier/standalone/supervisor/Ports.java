package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Hands out loopback ports: the preferred one where it is free, else any free one. No port is given
 * twice, as a service may bind long after it was told its port.
 *
 * <p>That holds between installations, too: a port that was given is marked by a socket of the same
 * number on {@link #MARKS}, another address of the loopback network. The kernel takes the mark away
 * when its holder ends, however that happens. Where only 127.0.0.1 is loopback (macOS), nothing is
 * marked, and two installations that start in the same seconds may get in each other's way.
 */
final class Ports implements AutoCloseable {

  /** Nobody serves there: all that is ours listens on 127.0.0.1. */
  static final String MARKS = "127.74.10.1";

  private final Map<Integer, ServerSocket> given = new HashMap<>();

  synchronized int take(int preferred) {
    int port = preferred;
    while (!given(port)) {
      port = anyFree();
    }
    return port;
  }

  /** Whether the port is the caller's from now on. */
  private boolean given(int port) {
    if (given.containsKey(port)) {
      return false;
    }
    ServerSocket mark = mark(port);
    if (mark == null) {
      return false;
    }
    if (!isFree(port)) {
      close(mark);
      return false;
    }
    given.put(port, mark);
    return true;
  }

  /** Null where another installation holds the mark; an unbound socket where there are no marks. */
  private static ServerSocket mark(int port) {
    try {
      return bound(InetAddress.getByName(MARKS), port);
    } catch (IOException refused) {
      try (ServerSocket any = bound(InetAddress.getByName(MARKS), 0)) {
        return null;
      } catch (IOException noSuchAddress) {
        return unbound();
      }
    }
  }

  static boolean isFree(int port) {
    try (ServerSocket socket = bound(InetAddress.getLoopbackAddress(), port)) {
      return true;
    } catch (IOException taken) {
      return false;
    }
  }

  private static int anyFree() {
    try (ServerSocket socket = bound(InetAddress.getLoopbackAddress(), 0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port on the loopback interface", e);
    }
  }

  private static ServerSocket bound(InetAddress address, int port) throws IOException {
    ServerSocket socket = new ServerSocket();
    try {
      // A port whose last connections are in TIME_WAIT is free to a server; one that is bound is
      // not.
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(address, port), 1);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static ServerSocket unbound() {
    try {
      return new ServerSocket();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void close(ServerSocket mark) {
    try {
      mark.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Gives all ports back. */
  @Override
  public synchronized void close() {
    List<ServerSocket> marks = new ArrayList<>(given.values());
    given.clear();
    marks.forEach(Ports::close);
  }
}
