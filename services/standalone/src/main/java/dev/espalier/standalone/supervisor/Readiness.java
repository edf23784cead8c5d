package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells that a child serves. */
sealed interface Readiness {

  boolean isReady();

  /** Forgets an earlier life. */
  default void reset() {}

  /** The child writes a file when it is up; our own mains do. */
  record ReadyFile(Path file) implements Readiness {
    @Override
    public boolean isReady() {
      return Files.exists(file);
    }

    @Override
    public void reset() {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw new IllegalStateException("cannot clear " + file, e);
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
