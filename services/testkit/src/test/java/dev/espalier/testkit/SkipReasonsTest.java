package dev.espalier.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

class SkipReasonsTest {

  /** Run by the test below alone: surefire leaves nested classes out. */
  static class WithoutATool {
    @BeforeAll
    static void needsATool() {
      assumeTrue(false, "a tool is not installed");
    }

    @Test
    void never() {}
  }

  @Test
  void tellsWhyAWholeClassWasSkipped() {
    var bytes = new ByteArrayOutputStream();
    var request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(WithoutATool.class))
            .build();

    LauncherFactory.create()
        .execute(request, new SkipReasons(new PrintStream(bytes, true, StandardCharsets.UTF_8)));

    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .startsWith("skipped: ")
        .contains("WithoutATool")
        .contains("a tool is not installed");
  }
}
