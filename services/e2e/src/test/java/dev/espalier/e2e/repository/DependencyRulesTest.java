package dev.espalier.e2e.repository;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may import whom: the table of {@code design.md} §3, read off the compiled classes. */
class DependencyRulesTest {

  private static final List<String> MODULES =
      List.of(
          "architecture",
          "artifacts",
          "benchmarks",
          "cli",
          "datasets",
          "evaluator",
          "eventstore",
          "messaging",
          "onnx",
          "pruning",
          "redistributor",
          "scheduler",
          "standalone",
          "sweep",
          "testkit",
          "trainer");

  private static final String[] APPLICATIONS = {
    "dev.espalier.scheduler..",
    "dev.espalier.trainer..",
    "dev.espalier.redistributor..",
    "dev.espalier.evaluator.."
  };

  /** Like the end-to-end tests it starts the real scheduler. */
  private static final String SCALE_BENCHMARK = "dev.espalier.benchmarks.scheduling..";

  private static JavaClasses ours;

  @BeforeAll
  static void readClasses() {
    ClassFileImporter importer = new ClassFileImporter();
    List<java.nio.file.Path> directories = new ArrayList<>();
    directories.add(Repository.root().resolve("schemas/target/classes"));
    for (String module : MODULES) {
      directories.add(Repository.root().resolve("services/" + module + "/target/classes"));
    }
    ours = importer.importPaths(directories);
    for (String module : MODULES) {
      assertThat(ours.stream().anyMatch(c -> c.getPackageName().startsWith(base(module))))
          .as("module %s has classes in %s: is it compiled?", module, base(module))
          .isTrue();
    }
  }

  private static String base(String module) {
    return "dev.espalier." + module;
  }

  /** A module and all that it may see beside itself. */
  private record MayImport(String module, String because, String... packages) {
    @Override
    public String toString() {
      return module;
    }
  }

  private static List<MayImport> mayImport() {
    return List.of(
        new MayImport(
            "schemas",
            "contracts outlive every service",
            "java..",
            "com.google.protobuf..",
            "build.buf..",
            "org.snakeyaml.."),
        new MayImport("architecture", "the domain outlives every framework", "java.."),
        new MayImport(
            "sweep",
            "decisions are pure functions of events",
            "java..",
            "dev.espalier.architecture.."),
        new MayImport(
            "artifacts",
            "the store must serve services without a tensor engine",
            "java..",
            "org.slf4j..",
            "software.amazon.awssdk..",
            "dev.espalier.architecture.."),
        new MayImport(
            "datasets",
            "images are bytes on the host until an engine takes them",
            "java..",
            "javax.imageio..",
            "org.slf4j..",
            "ai.djl..",
            "dev.espalier.architecture.."),
        new MayImport(
            "pruning",
            "the library is usable without Kafka, Quarkus or a database",
            "java..",
            "org.slf4j..",
            "ai.djl..",
            "com.sun.jna..",
            "dev.espalier.architecture..",
            "dev.espalier.artifacts..",
            "dev.espalier.datasets.."),
        new MayImport(
            "onnx",
            "the command line writes models without a tensor engine",
            "java..",
            "com.google.protobuf..",
            "dev.espalier.architecture.."),
        new MayImport(
            "messaging",
            "the edge to Kafka knows no database",
            "java..",
            "org.slf4j..",
            "org.apache.kafka..",
            "com.google.protobuf..",
            "build.buf..",
            "io.micrometer..",
            "dev.espalier.schemas.."),
        new MayImport(
            "eventstore",
            "events are kept by JDBC and leave through messaging",
            "java..",
            "javax.sql..",
            "org.slf4j..",
            "org.postgresql..",
            "org.flywaydb..",
            "org.apache.kafka..",
            "com.google.protobuf..",
            "io.micrometer..",
            "dev.espalier.messaging..",
            "dev.espalier.schemas.."));
  }

  @ParameterizedTest
  @MethodSource("mayImport")
  void aModuleImportsOnlyWhatTheDesignAllows(MayImport rule) {
    String[] allowed = new String[rule.packages().length + 1];
    System.arraycopy(rule.packages(), 0, allowed, 0, rule.packages().length);
    allowed[rule.packages().length] = base(rule.module()) + "..";
    classes()
        .that()
        .resideInAPackage(base(rule.module()) + "..")
        .should()
        .onlyDependOnClassesThat(resideInAnyPackage(allowed).or(PRIMITIVE))
        .because(rule.because())
        .check(ours);
  }

  private static final com.tngtech.archunit.base.DescribedPredicate<
          com.tngtech.archunit.core.domain.JavaClass>
      PRIMITIVE =
          com.tngtech.archunit.base.DescribedPredicate.describe(
              "are primitives or arrays of them", c -> c.getPackageName().isEmpty());

  @Test
  void servicesMeetOnTopicsAndNeverImportEachOther() {
    for (String application : APPLICATIONS) {
      String[] others =
          List.of(APPLICATIONS).stream()
              .filter(other -> !other.equals(application))
              .toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage(application)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(others)
          .because("services exchange messages; an import would tie their releases together")
          .check(ours);
    }
  }

  @Test
  void nothingButTheApplicationsThemselvesImportsAnApplication() {
    noClasses()
        .that(not(resideInAnyPackage(APPLICATIONS)))
        .and(not(resideInAnyPackage(SCALE_BENCHMARK)))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(APPLICATIONS)
        .because("applications are thin edges; what others need belongs into a module below them")
        .check(ours);
  }

  @Test
  void theScaleBenchmarkMeasuresTheSchedulerAloneAndNobodyImportsIt() {
    noClasses()
        .that()
        .resideInAPackage(SCALE_BENCHMARK)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.espalier.trainer..", "dev.espalier.redistributor..", "dev.espalier.evaluator..")
        .because("its workers are simulated")
        .check(ours);
    noClasses()
        .that(not(resideInAnyPackage("dev.espalier.benchmarks..")))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.espalier.benchmarks..")
        .because("what measures an application stands above all of them")
        .check(ours);
  }

  @Test
  void theSchedulerNeverLoadsATensorEngine() {
    noClasses()
        .that()
        .resideInAPackage("dev.espalier.scheduler..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.djl..", "dev.espalier.pruning..", "dev.espalier.datasets..")
        .because("it must start in seconds and run without a tensor engine")
        .check(ours);
  }

  @Test
  void workersHaveNoDatabase() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.espalier.trainer..", "dev.espalier.redistributor..", "dev.espalier.evaluator..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "java.sql..", "javax.sql..", "dev.espalier.eventstore..", "dev.espalier.sweep..")
        .because("a worker knows its stage and its lease; the scheduler alone knows the rest")
        .check(ours);
  }

  @Test
  void theRedistributorWorksOnPlansAlone() {
    noClasses()
        .that()
        .resideInAPackage("dev.espalier.redistributor..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.djl..", "dev.espalier.pruning..")
        .because("redistribution is arithmetic on dimensions and needs no tensor engine")
        .check(ours);
  }

  @Test
  void theEnginesInternalsStayBehindTheEnginePackage() {
    noClasses()
        .that()
        .resideInAPackage("dev.espalier..")
        .and()
        .resideOutsideOfPackages("dev.espalier.pruning.engine..", "dev.espalier.pruning.tensor..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.djl.pytorch..")
        .because("another engine must be a matter of these packages")
        .check(ours);
  }

  @Test
  void onnxRuntimeIsUsedByTheEvaluatorAlone() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.espalier.evaluator..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.onnxruntime..")
        .because("it weighs 139 MB and only latency measurements want it")
        .check(ours);
  }

  @Test
  void theDoorKnowsNoServiceInternals() {
    noClasses()
        .that()
        .resideInAnyPackage("dev.espalier.cli..", "dev.espalier.standalone..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.espalier.eventstore..", "dev.espalier.messaging..", "dev.espalier.pruning..")
        .because("the command line talks to a scheduler that may be anywhere, over REST")
        .check(ours);
  }

  @Test
  void decisionsReadNeitherClockNorChance() {
    noClasses()
        .that()
        .resideInAnyPackage("dev.espalier.sweep..", "dev.espalier.architecture..")
        .should()
        .callMethod(Instant.class, "now")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(Clock.class, "systemUTC")
        .orShould()
        .callMethod(UUID.class, "randomUUID")
        .orShould()
        .callMethod(Math.class, "random")
        .because("time and randomness come in as arguments, so that a replay decides the same")
        .check(ours);
  }

  @ParameterizedTest
  @MethodSource("sliced")
  void featuresOfAModuleDoNotNeedEachOtherInACircle(String module) {
    slices()
        .matching(base(module) + ".(*)..")
        .should()
        .beFreeOfCycles()
        .because("a package is a feature that can be read on its own")
        .check(ours);
  }

  private static List<String> sliced() {
    return List.of(
        "architecture",
        "sweep",
        "artifacts",
        "messaging",
        "cli",
        "trainer",
        "pruning",
        "scheduler");
  }
}
