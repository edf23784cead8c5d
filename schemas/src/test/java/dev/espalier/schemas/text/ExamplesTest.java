package dev.espalier.schemas.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.TextFormat;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.sweep.spec.MethodChoice;
import dev.espalier.sweep.spec.SpecReading;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecCheck;
import dev.espalier.sweep.spec.SweepSpecReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExamplesTest {

  /** The shipped models. */
  private static final Map<String, VitArchitecture> BASES =
      Map.of(
          "fashion-vit-96x6", VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384),
          "fashion-vit-48x4", VitArchitecture.uniform(28, 4, 1, 10, 48, 4, 3, 192));

  static List<Path> examples() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("examples"))) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("examples")
  void everyExampleIsAValidSweepOnTheShippedModel(Path example) throws IOException {
    SweepSpec spec = spec(example);
    assertThat(BASES).containsKey(spec.model());
    assertThat(SweepSpecCheck.floors(spec, BASES.get(spec.model()))).isEmpty();
    assertThat(spec.dataset()).isEqualTo("fashion-mnist-subset");
  }

  @ParameterizedTest
  @MethodSource("examples")
  void everyExampleSaysTheSameAsProtobuf(Path example) throws IOException {
    SweepSpec spec = spec(example);
    Map<String, Object> tree = SweepProto.tree(SweepProto.message(spec.toTree()), spec.team());
    SpecReading again = SweepSpecReader.read(tree);
    assertThat(again.violations()).isEmpty();
    assertThat(again.orThrow().canonicalJson()).isEqualTo(spec.canonicalJson());
  }

  @ParameterizedTest
  @MethodSource("examples")
  void anAbsentFieldOfTheMessageTakesTheDefault(Path example) throws IOException {
    SweepSpec spec = spec(example);
    @SuppressWarnings("unchecked")
    Map<String, Object> written =
        (Map<String, Object>) SweepText.read(Files.readAllBytes(example)).tree();
    Map<String, Object> tree = SweepProto.tree(SweepProto.message(written), "");
    assertThat(SweepSpecReader.read(tree).orThrow().canonicalJson())
        .isEqualTo(spec.canonicalJson());
  }

  @Test
  void theEvidenceHoldsEveryMethodAndItsSmokeFormTheSameOnes() throws IOException {
    // What reads latencies waits for a machine of its own before it starts.
    List<String> all =
        Methods.ALL.stream()
            .filter(method -> !method.searchUsesLatency())
            .map(MethodDescriptor::name)
            .toList();
    SweepSpec evidence = spec(Path.of("examples/evidence.yaml"));
    assertThat(evidence.methods())
        .extracting(MethodChoice::name)
        .containsExactlyInAnyOrderElementsOf(all);
    assertThat(evidence.seeds()).hasSizeGreaterThanOrEqualTo(3);
    assertThat(evidence.targets().macs()).containsExactly(0.65, 0.5, 0.35);
    SweepSpec smoke = spec(Path.of("examples/evidence-smoke.yaml"));
    assertThat(smoke.methods()).extracting(MethodChoice::name).containsAll(all);
    assertThat(smoke.model()).isEqualTo(evidence.model());
  }

  @Test
  void theRecordForKafkaSaysWhatSmokeYamlSays() throws IOException {
    SweepCommand command =
        TextFormat.parse(
            Files.readString(Path.of("examples/submit-smoke.textproto")), SweepCommand.class);
    Map<String, Object> tree =
        SweepProto.tree(command.getSubmitSweep().getSpec(), command.getTeam());
    assertThat(SweepSpecReader.read(tree).orThrow())
        .isEqualTo(spec(Path.of("examples/smoke.yaml")));
  }

  private static SweepSpec spec(Path example) throws IOException {
    TextReading text = SweepText.read(Files.readAllBytes(example));
    assertThat(text.violations()).isEmpty();
    SpecReading reading = SweepSpecReader.read(text.tree());
    assertThat(reading.violations()).isEmpty();
    return reading.orThrow();
  }
}
