package dev.espalier.standalone.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FleetTest {

  private static final long GIB = 1L << 30;

  @TempDir Path root;

  @Test
  void aTrainerForEachCoreAsFarAsMemoryBears() {
    assertThat(Fleet.trainers(2, 24 * GIB)).isEqualTo(2);
    assertThat(Fleet.trainers(4, 4 * GIB)).isEqualTo(2);
    assertThat(Fleet.trainers(1, GIB)).isEqualTo(1);
    assertThat(Fleet.trainers(128, 1024 * GIB)).isEqualTo(8);
  }

  @Test
  void oneEvaluatorServesEightTrainers() throws Exception {
    assertThat(Fleet.evaluators(1)).isEqualTo(1);
    assertThat(Fleet.evaluators(8)).isEqualTo(1);
    assertThat(Fleet.evaluators(14)).isEqualTo(2);
    try (DataDirectory directory = DataDirectory.take(root, 0);
        Ports ports = new Ports()) {
      Fleet fleet = new Fleet(new Installation(Path.of("/x y")), directory, ports);
      assertThat(fleet.workers("127.0.0.1:1", 9))
          .extracting(ChildSpec::name)
          .endsWith("trainer-9", "redistributor", "evaluator-1", "evaluator-2");
    }
  }

  @Test
  void everyChildHasAPortOfItsOwnAndListensOnLoopbackOnly() throws Exception {
    try (DataDirectory directory = DataDirectory.take(root, 0);
        Ports ports = new Ports()) {
      Fleet fleet = new Fleet(new Installation(Path.of("/x y")), directory, ports);
      List<ChildSpec> workers = fleet.workers("127.0.0.1:1", 2);
      assertThat(workers)
          .extracting(ChildSpec::name)
          .containsExactly("trainer-1", "trainer-2", "redistributor", "evaluator");
      List<ChildSpec> all =
          Stream.concat(
                  Stream.of(
                      fleet.broker(), fleet.postgres(), fleet.scheduler("127.0.0.1:1", "jdbc:x")),
                  workers.stream())
              .toList();
      assertThat(all).extracting(ChildSpec::port).doesNotHaveDuplicates();
      assertThat(all.subList(2, all.size()))
          .allSatisfy(
              child -> assertThat(child.command()).contains("-Dquarkus.http.host=127.0.0.1"));
      assertThat(workers.get(0).environment()).containsKey("GLIBC_TUNABLES");
    }
  }
}
