package dev.espalier.cli;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Answers "METHOD /path" of the REST interface with what the test says; keeps what was asked. */
public final class FakeScheduler implements AutoCloseable {

  private record Answer(int status, byte[] body) {}

  private final HttpServer server;
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  public final CopyOnWriteArrayList<String> asked = new CopyOnWriteArrayList<>();

  public FakeScheduler() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String query = exchange.getRequestURI().getQuery();
          String what =
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI().getPath().replaceFirst("/api/v1", "")
                  + (query == null ? "" : "?" + query);
          exchange.getRequestBody().readAllBytes();
          asked.add(what);
          Answer answer =
              answers.getOrDefault(what, new Answer(404, "{\"error\":\"not found\"}".getBytes()));
          exchange.sendResponseHeaders(answer.status(), answer.body().length);
          exchange.getResponseBody().write(answer.body());
          exchange.close();
        });
    server.start();
  }

  public FakeScheduler answer(String what, int status, String body) {
    return answer(what, status, body.getBytes(StandardCharsets.UTF_8));
  }

  public FakeScheduler answer(String what, int status, byte[] body) {
    answers.put(what, new Answer(status, body));
    return this;
  }

  public String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
