package dev.espalier.scheduler.api;

import dev.espalier.sweep.spec.Violation;
import java.util.List;

/** A request that is refused: the HTTP status and what the client is told. */
public final class Problem extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int status;
  private final transient Object body;

  /** The body of an answer that lists what is wrong. */
  public record Violations(List<Violation> violations) {}

  /** The body of any other refusal. */
  public record Message(String error) {}

  private Problem(int status, String message, Object body) {
    super(message, null, false, false);
    this.status = status;
    this.body = body;
  }

  public static Problem violations(List<Violation> violations) {
    return new Problem(400, violations.toString(), new Violations(List.copyOf(violations)));
  }

  public static Problem violation(String field, String expected, String found) {
    return violations(List.of(new Violation(field, expected, found)));
  }

  /** A body over its limit; the field is empty where the body has no name. */
  public static Problem tooLarge(String field, String expected, String found) {
    List<Violation> violations = List.of(new Violation(field, expected, found));
    return new Problem(413, violations.toString(), new Violations(violations));
  }

  public static Problem notFound(String what, String name) {
    return of(404, what + " " + shown(name) + " is not there");
  }

  public static Problem of(int status, String error) {
    return new Problem(status, error, new Message(error));
  }

  public int status() {
    return status;
  }

  public Object body() {
    return body;
  }

  /** What a client sent, cut to a length that answers and logs can bear. */
  public static String shown(String text) {
    String clean = text.replaceAll("\\p{Cntrl}", "�");
    return clean.length() <= 100 ? clean : clean.substring(0, 100) + "…";
  }
}
