package dev.espalier.artifacts.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A line to a server that goes dead after so many bytes in one direction. */
final class CutLine implements AutoCloseable {

  private final ServerSocket door;
  private final int target;
  private final long up;
  private final long down;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  final AtomicInteger cut = new AtomicInteger();

  /**
   * Opens the line.
   *
   * @param up bytes of a connection towards the server
   * @param down bytes of a connection back
   */
  CutLine(int target, long up, long down) throws IOException {
    this.target = target;
    this.up = up;
    this.down = down;
    this.door = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    threads.execute(this::accept);
  }

  int port() {
    return door.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = door.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
        threads.execute(() -> pump(client, server, up));
        threads.execute(() -> pump(server, client, down));
      }
    } catch (IOException closed) {
      // the end of the test
    }
  }

  private void pump(Socket from, Socket to, long most) {
    byte[] buffer = new byte[4096];
    long left = most;
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      while (true) {
        int read = in.read(buffer, 0, (int) Math.min(buffer.length, Math.max(1, left)));
        if (read < 0) {
          return;
        }
        if (left <= 0) {
          cut.incrementAndGet();
          return;
        }
        out.write(buffer, 0, read);
        left -= read;
      }
    } catch (IOException dead) {
      // as a line is
    }
  }

  @Override
  public void close() throws IOException {
    door.close();
    threads.shutdownNow();
  }
}
