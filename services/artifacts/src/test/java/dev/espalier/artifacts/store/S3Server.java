package dev.espalier.artifacts.store;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A bucket in this process that answers as S3 does: it checks the signature of every request and
 * the digest of every body before an object is there, and names what it refuses by S3's codes.
 */
final class S3Server implements AutoCloseable {

  static final String BUCKET = "artifacts";
  static final String KEY = "espalier";
  static final String SECRET = "a secret of tests";

  final int port;
  private final Map<String, byte[]> objects = new ConcurrentHashMap<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer server;

  S3Server() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new IllegalStateException("the S3 server does not start", e);
    }
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
    port = server.getAddress().getPort();
  }

  /** An empty bucket again. */
  void clear() {
    objects.clear();
  }

  boolean exists(String key) {
    return objects.containsKey(key);
  }

  /** Puts bytes under a key without looking at them. */
  void damage(String key, byte[] bytes) {
    objects.put(key, bytes);
  }

  int count() {
    return objects.size();
  }

  S3Settings settings() {
    return settings(port, KEY, SECRET);
  }

  static S3Settings settings(int port, String key, String secret) {
    return new S3Settings(
        URI.create("http://127.0.0.1:" + port),
        "us-east-1",
        BUCKET,
        "espalier/",
        true,
        key,
        secret);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getRawPath();
      byte[] body = exchange.getRequestBody().readAllBytes(); // fails where the line is cut
      if (!signed(exchange, path)) {
        refuse(exchange, 403, "SignatureDoesNotMatch");
        return;
      }
      if (!hex(body).equals(exchange.getRequestHeaders().getFirst("x-amz-content-sha256"))) {
        refuse(exchange, 400, "XAmzContentSHA256Mismatch");
        return;
      }
      if (!path.startsWith("/" + BUCKET + "/")) {
        refuse(exchange, 404, "NoSuchBucket");
        return;
      }
      String key = path.substring(BUCKET.length() + 2);
      byte[] object = objects.get(key);
      switch (exchange.getRequestMethod()) {
        case "PUT" -> {
          objects.put(key, body);
          exchange.sendResponseHeaders(200, -1);
        }
        case "DELETE" -> {
          objects.remove(key);
          exchange.sendResponseHeaders(204, -1);
        }
        case "HEAD" -> {
          if (object != null) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(object.length));
          }
          exchange.sendResponseHeaders(object == null ? 404 : 200, -1);
        }
        default -> {
          if (object == null) {
            refuse(exchange, 404, "NoSuchKey");
            return;
          }
          exchange.sendResponseHeaders(200, object.length == 0 ? -1 : object.length);
          exchange.getResponseBody().write(object);
        }
      }
    }
  }

  /** Whether the request's signature is the one that the secret gives. */
  private static boolean signed(HttpExchange exchange, String path) {
    String found = exchange.getRequestHeaders().getFirst("Authorization");
    Map<String, String> headers = new TreeMap<>();
    for (String name : new String[] {"host", "x-amz-content-sha256", "x-amz-date"}) {
      headers.put(name, String.valueOf(exchange.getRequestHeaders().getFirst(name)));
    }
    return S3Signature.authorization(
            settings(1, KEY, SECRET),
            exchange.getRequestMethod(),
            path,
            headers,
            headers.get("x-amz-content-sha256"),
            headers.get("x-amz-date"))
        .equals(found);
  }

  private static void refuse(HttpExchange exchange, int status, String code) throws IOException {
    byte[] text = "<Error><Code>%s</Code></Error>".formatted(code).getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, text.length);
    exchange.getResponseBody().write(text);
  }

  private static String hex(byte[] body) {
    MessageDigest digest = Digests.sha256();
    digest.update(body);
    return Digests.hex(digest);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
