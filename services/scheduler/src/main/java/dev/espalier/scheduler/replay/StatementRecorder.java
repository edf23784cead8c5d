package dev.espalier.scheduler.replay;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * A connection that keeps what projections write instead of writing it, so that a replay can send
 * thousands of streams' statements together. Projections only write; one that reads is refused by
 * name.
 */
final class StatementRecorder {

  /**
   * A statement with its values.
   *
   * @param values in the order of the placeholders
   */
  record Recorded(String sql, Object[] values) {}

  private final Connection connection = proxy(Connection.class, this::onConnection);
  private Deque<Recorded> recorded = new ArrayDeque<>();

  Connection connection() {
    return connection;
  }

  /** What was written since the last call, in order. */
  Deque<Recorded> take() {
    Deque<Recorded> taken = recorded;
    recorded = new ArrayDeque<>();
    return taken;
  }

  private Object onConnection(Object proxy, Method method, Object[] arguments) {
    if (method.getName().equals("prepareStatement") && arguments.length == 1) {
      Statement statement = new Statement((String) arguments[0]);
      return proxy(PreparedStatement.class, statement);
    }
    throw refused(method);
  }

  private static UnsupportedOperationException refused(Method method) {
    return new UnsupportedOperationException(
        "expected a projection to prepare and execute updates only but it calls " + method);
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private final class Statement implements InvocationHandler {

    private final String sql;
    private Object[] values = new Object[16];
    private int count;

    Statement(String sql) {
      this.sql = sql;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) {
      switch (method.getName()) {
        case "setObject" -> {
          int index = (Integer) arguments[0];
          if (index > values.length) {
            values = Arrays.copyOf(values, 2 * index);
          }
          values[index - 1] = arguments[1];
          count = Math.max(count, index);
          return null;
        }
        case "executeUpdate" -> {
          recorded.add(new Recorded(sql, Arrays.copyOf(values, count)));
          return 1;
        }
        case "close" -> {
          return null;
        }
        default -> throw refused(method);
      }
    }
  }
}
