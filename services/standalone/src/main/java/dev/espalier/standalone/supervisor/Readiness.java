package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Tells that a child serves. */
sealed interface Readiness {

  boolean isReady();

  /** Forgets an earlier life. */
  default void reset() {}

  /** The child says {@code ready} at the start of a line of its log; our own mains do. */
  final class Line implements Readiness {

    private static final Pattern READY = Pattern.compile("^ready( |$)", Pattern.MULTILINE);

    private final Path log;
    private volatile long from;

    Line(Path log) {
      this.log = log;
    }

    @Override
    public void reset() {
      from = log.toFile().length();
    }

    @Override
    public boolean isReady() {
      try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
        file.seek(Math.min(from, file.length()));
        byte[] written = new byte[(int) Math.min(1 << 20, file.length() - file.getFilePointer())];
        file.readFully(written);
        return READY.matcher(new String(written, StandardCharsets.UTF_8)).find();
      } catch (IOException notYet) {
        return false;
      }
    }
  }

  /** {@code /q/health/ready} answers 200. */
  record Health(int port) implements Readiness {

    private static final int LIMIT_MILLIS = 2000;

    @Override
    public boolean isReady() {
      try {
        HttpURLConnection connection =
            (HttpURLConnection)
                URI.create("http://127.0.0.1:" + port + "/q/health/ready").toURL().openConnection();
        connection.setConnectTimeout(LIMIT_MILLIS);
        connection.setReadTimeout(LIMIT_MILLIS);
        try {
          return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
        } finally {
          connection.disconnect();
        }
      } catch (IOException notYet) {
        return false;
      }
    }
  }
}
