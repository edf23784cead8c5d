package dev.espalier.scheduler.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.scheduler.api.Problem;
import dev.espalier.schemas.sweep.v1.DeleteSweep;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.sweep.spec.Violation;
import dev.espalier.testkit.Postgres;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Deletion of sweeps through both doors. */
class DeletionDoorTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private Door door;

  @BeforeEach
  void open() throws Exception {
    door = new Door();
  }

  @Test
  void takesASweepThatHasEndedOutOfSightAndSaysWhoAsked() throws Exception {
    String id = door.post(Door.VALID, null).sweepId();
    assertThatThrownBy(() -> door.steer().delete(id))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(409))
        .hasMessageContaining("ACCEPTED");

    door.steer().cancel(id, "");
    door.steer().delete(id);

    assertThat(door.texts("select sweep_id from sweep")).isEmpty();
    assertThatThrownBy(() -> door.steer().delete(id))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(404));
    assertThat(
            door.texts("select requested_by || ' ' || team from audit where type='sweep_deleted'"))
        .containsExactly("local default");
  }

  @Test
  void doesNotGiveItsIdAgain() throws Exception {
    String id = door.post(Door.VALID, null).sweepId();
    door.steer().cancel(id, "");
    door.steer().delete(id);

    assertThat(door.refusedPost(Door.VALID.getBytes("UTF-8")).getMessage())
        .contains("another run than that of sweep " + id);
    assertThat(door.post(Door.VALID, "1").attached()).isFalse();
  }

  @Test
  void isAskedForOverKafkaToo() throws Exception {
    String id = door.post(Door.VALID, null).sweepId();
    SweepCommand early = delete(id);
    door.send(early);
    assertThat(door.rejection(early.getEventId()).orElseThrow())
        .extracting(Violation::expected)
        .containsExactly("a sweep that has ended: cancel it first");

    door.steer().cancel(id, "");
    SweepCommand late = delete(id);
    door.send(late);
    assertThat(door.rejection(late.getEventId())).isEmpty();
    assertThat(door.texts("select sweep_id from sweep")).isEmpty();
  }

  private static SweepCommand delete(String id) {
    return SweepCommand.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setDeleteSweep(DeleteSweep.newBuilder().setSweepId(id))
        .build();
  }
}
