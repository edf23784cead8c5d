package dev.espalier.scheduler.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UsersFileTest {

  /** Of "correct-horse", by openssl passwd -6. */
  private static final String HASH =
      "$6$abcdefgh12345678$OdxCSb75Rm9rL9avxmKOLoWMkTSiWcNh/uc0WivfvGpqsFT.Vmai/Yj8LVy4097MburfHq9NGmee3ktkzhmLM0";

  @TempDir private Path directory;

  private UsersFile read(String... lines) throws IOException {
    return UsersFile.read(Files.write(directory.resolve("users"), List.of(lines)));
  }

  @Test
  void knowsWhomOpensslMadeAHashFor() throws IOException {
    UsersFile users = read("# a comment", "", "sam:" + HASH + ":submitter:vision, speech");

    assertThat(users.caller("sam", "correct-horse"))
        .contains(new Caller("sam", Role.SUBMITTER, List.of("vision", "speech")));
    assertThat(users.caller("sam", "correct-horse ")).isEmpty();
    assertThat(users.caller("sam", "")).isEmpty();
    assertThat(users.caller("nobody", "nobody")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"sam:HASH:submitter", "sam:plain:viewer:", "s m:HASH:viewer:", "sam:HASH:root:"})
  void saysWhichLineIsWrongAndShowsNoSecret(String line) {
    assertThatThrownBy(() -> read("ok:" + HASH + ":viewer:", line.replace("HASH", HASH)))
        .hasMessageContaining("line 2: expected")
        .hasMessageNotContaining(HASH)
        .hasMessageNotContaining("plain");
  }

  @Test
  void oneNameIsOneUserAndAnEmptyFileLetsNobodyIn() {
    assertThatThrownBy(() -> read("sam:" + HASH + ":viewer:", "sam:" + HASH + ":operator:"))
        .hasMessageContaining("line 2 names a user twice");
    assertThatThrownBy(() -> read("# nobody")).hasMessageContaining("expected at least one user");
  }

  @Test
  void aRoleIncludesTheOnesBeforeItAndTeamsBindSubmittersOnly() {
    assertThat(Role.OPERATOR.included())
        .containsExactlyInAnyOrder("viewer", "submitter", "operator");
    assertThat(new Caller("v", Role.VIEWER, List.of("a")).mayActFor("a")).isFalse();
    assertThat(new Caller("s", Role.SUBMITTER, List.of("a")).mayActFor("a")).isTrue();
    assertThat(new Caller("s", Role.SUBMITTER, List.of("a")).mayActFor("b")).isFalse();
    assertThat(new Caller("o", Role.OPERATOR, List.of()).mayActFor("b")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0.0.0.0", "10.0.0.1", "localhost.example", "127.0.0.1.example", "::", ""})
  void onlyLoopbackIsLoopback(String address) {
    assertThat(Addresses.isLoopback(address)).isFalse();
    assertThat(Addresses.areLoopback("127.0.0.1:9092,[::1]:9092,localhost:1")).isTrue();
    assertThat(Addresses.areLoopback("127.0.0.1:9092," + address + ":9092")).isFalse();
  }
}
