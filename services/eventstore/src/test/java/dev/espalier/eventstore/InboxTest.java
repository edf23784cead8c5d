package dev.espalier.eventstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.eventstore.Inbox.Arrival;
import dev.espalier.testkit.Postgres;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class InboxTest {

  private static Transactions transactions;

  private final Inbox inbox = new Inbox();
  private final String id = UUID.randomUUID().toString();

  @BeforeAll
  static void migrate() {
    Postgres.Database database = TestEvents.newDatabase();
    transactions = new Transactions(database.dataSource());
  }

  @Test
  void knowsAnEventThatItHasSeenPerConsumer() throws Exception {
    assertThat(seen("a", new byte[] {1})).isTrue();
    assertThat(seen("a", new byte[] {1})).isFalse();
    assertThat(seen("b", new byte[] {1})).isTrue();
  }

  @Test
  void knowsWhichOfManyEventsItHasSeen() throws Exception {
    String other = UUID.randomUUID().toString();
    seen("a", new byte[] {1});
    List<Arrival> arrivals =
        List.of(
            new Arrival(other, new byte[] {2}),
            new Arrival(id, new byte[] {1}),
            new Arrival(other, new byte[] {2}));
    assertThat(all("a", arrivals)).containsExactly(true, false, false);
    assertThat(all("a", arrivals)).containsExactly(false, false, false);
    assertThat(all("b", arrivals)).containsExactly(true, true, false);
    assertThatThrownBy(() -> all("a", List.of(new Arrival(other, new byte[] {3}))))
        .isInstanceOf(PayloadMismatch.class)
        .hasMessageContaining(other);
    assertThatThrownBy(
            () -> all("c", List.of(new Arrival(id, new byte[] {1}), new Arrival(id, new byte[1]))))
        .isInstanceOf(PayloadMismatch.class)
        .hasMessageContaining(id);
  }

  private boolean[] all(String consumer, List<Arrival> arrivals) throws SQLException {
    return transactions.call(connection -> inbox.firstSeen(connection, consumer, arrivals));
  }

  @Test
  void refusesTheSameIdWithAnotherPayloadByName() throws Exception {
    seen("a", new byte[] {1});
    assertThatThrownBy(() -> seen("a", new byte[] {2}))
        .isInstanceOf(PayloadMismatch.class)
        .hasMessageContaining(id)
        .hasMessageContaining("another payload");
  }

  @Test
  void forgetsAnEventWhoseTransactionFailed() throws Exception {
    assertThatThrownBy(
            () ->
                transactions.run(
                    connection -> {
                      inbox.firstSeen(connection, "a", id, new byte[] {1});
                      throw new IllegalStateException("no");
                    }))
        .hasMessage("no");
    assertThat(seen("a", new byte[] {1})).isTrue();
  }

  @Test
  void makesPartitionsForTheComingDaysAndDropsOldOnes() throws Exception {
    LocalDate today = LocalDate.now(ZoneOffset.UTC);
    transactions.run(
        connection -> {
          LocalDate old = today.minusDays(40);
          connection
              .createStatement()
              .execute(
                  "create table inbox_day_%s partition of inbox for values from ('%s') to ('%s')"
                      .formatted(old.toString().replace('-', '_'), old, old.plusDays(1)));
        });
    seen("before there are partitions", new byte[] {1});
    transactions.run(inbox::maintain);
    transactions.run(inbox::maintain);
    assertThat(partitions())
        .contains(name(today.plusDays(1)), name(today.plusDays(3)), "inbox_default")
        .doesNotContain(name(today.minusDays(40)));
    assertThat(seen("before there are partitions", new byte[] {1})).isFalse();
  }

  @Test
  void recognisesAnEventThatComesAgainOnAnotherDay() throws Exception {
    seen("a", new byte[] {1});
    transactions.run(
        connection -> {
          var update =
              connection.prepareStatement("update inbox set day = day - 1 where event_id = ?");
          update.setObject(1, UUID.fromString(id));
          update.executeUpdate();
        });
    assertThat(seen("a", new byte[] {1})).isFalse();
  }

  @Test
  void dropsVersionsOfAStreamThatWereSeen() throws Exception {
    var versions = new SeenVersions();
    transactions.run(
        connection -> {
          assertThat(versions.firstSeen(connection, "c", id, 1)).isTrue();
          assertThat(versions.firstSeen(connection, "c", id, 2)).isTrue();
          assertThat(versions.firstSeen(connection, "c", id, 2)).isFalse();
          assertThat(versions.firstSeen(connection, "c", id, 1)).isFalse();
          assertThat(versions.firstSeen(connection, "c", id, 3)).isTrue();
          assertThat(versions.firstSeen(connection, "d", id, 1)).isTrue();
        });
  }

  private boolean seen(String consumer, byte[] payload) throws Exception {
    return transactions.call(connection -> inbox.firstSeen(connection, consumer, id, payload));
  }

  private static String name(LocalDate day) {
    return "inbox_day_" + day.toString().replace('-', '_');
  }

  private static List<String> partitions() throws Exception {
    return transactions.call(
        connection -> {
          List<String> names = new ArrayList<>();
          try (ResultSet row =
              connection
                  .createStatement()
                  .executeQuery(
                      "select inhrelid::regclass::text from pg_inherits "
                          + "where inhparent = 'inbox'::regclass")) {
            while (row.next()) {
              names.add(row.getString(1));
            }
          }
          return names;
        });
  }
}
