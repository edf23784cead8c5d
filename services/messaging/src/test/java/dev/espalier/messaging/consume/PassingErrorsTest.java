package dev.espalier.messaging.consume;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.ConnectException;
import java.sql.SQLException;
import org.apache.kafka.common.errors.DisconnectException;
import org.junit.jupiter.api.Test;

class PassingErrorsTest {

  @Test
  void knowsOutagesOfDatabaseAndBroker() {
    assertThat(PassingErrors.isPassing(new SQLException("gone", "08006"))).isTrue();
    assertThat(PassingErrors.isPassing(new SQLException("shutting down", "57P01"))).isTrue();
    assertThat(PassingErrors.isPassing(new SQLException("no connection in the pool"))).isTrue();
    assertThat(PassingErrors.isPassing(new RuntimeException(new SQLException("", "40001"))))
        .isTrue();
    assertThat(PassingErrors.isPassing(new DisconnectException())).isTrue();
    assertThat(PassingErrors.isPassing(new RuntimeException(new ConnectException()))).isTrue();
  }

  @Test
  void doesNotWaitForDefectsToPass() {
    assertThat(PassingErrors.isPassing(new SQLException("no such column", "42703"))).isFalse();
    assertThat(PassingErrors.isPassing(new SQLException("not unique", "23505"))).isFalse();
    assertThat(PassingErrors.isPassing(new NullPointerException())).isFalse();
  }
}
