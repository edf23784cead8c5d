package dev.espalier.scheduler.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.commons.codec.digest.Crypt;

/** Names, password hashes, roles and teams of a small installation; read once, at the start. */
final class UsersFile {

  /** What {@code openssl passwd -6} writes: SHA-512 with a salt and thousands of rounds. */
  private static final Pattern HASH =
      Pattern.compile("\\$6\\$(rounds=\\d{4,9}\\$)?[./0-9A-Za-z]{8,16}\\$[./0-9A-Za-z]{86}");

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@-]{0,127}");

  /** Compared with for unknown names, so that these take as long as known ones. */
  private static final String NOBODY = Crypt.crypt("nobody", "$6$nobodynobody");

  private record User(String hash, Caller caller) {}

  private final Map<String, User> users;

  private UsersFile(Map<String, User> users) {
    this.users = Map.copyOf(users);
  }

  /**
   * @throws IllegalArgumentException naming file, line and what was expected
   */
  static UsersFile read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "espalier.security.users: expected a readable file but " + file + ": " + e, e);
    }
    Map<String, User> users = new HashMap<>();
    for (int number = 1; number <= lines.size(); number++) {
      String line = lines.get(number - 1).strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        Caller caller = add(users, line, file + " line " + number);
        if (caller == null) {
          throw new IllegalArgumentException(
              "%s line %d names a user twice".formatted(file, number));
        }
      }
    }
    if (users.isEmpty()) {
      throw new IllegalArgumentException(file + ": expected at least one user but found none");
    }
    return new UsersFile(users);
  }

  private static Caller add(Map<String, User> users, String line, String where) {
    // The line itself is never shown: it holds a secret.
    String[] fields = line.split(":", -1);
    if (fields.length != 4) {
      throw wrong(where, "name:hash:role:team,team", fields.length + " fields");
    }
    if (!NAME.matcher(fields[0]).matches()) {
      throw wrong(where, "a name of letters, digits and . _ @ -", "another");
    }
    if (!HASH.matcher(fields[1]).matches()) {
      throw wrong(where, "a hash as openssl passwd -6 writes it", "something else");
    }
    Role role =
        Role.parse(fields[2])
            .orElseThrow(() -> wrong(where, "the role viewer, submitter or operator", fields[2]));
    List<String> teams = new ArrayList<>();
    for (String team : fields[3].split(",")) {
      if (!team.isBlank()) {
        teams.add(team.strip());
      }
    }
    Caller caller = new Caller(fields[0], role, teams);
    return users.putIfAbsent(fields[0], new User(fields[1], caller)) == null ? caller : null;
  }

  private static IllegalArgumentException wrong(String where, String expected, String found) {
    return new IllegalArgumentException(
        "%s: expected %s but found %s".formatted(where, expected, found));
  }

  /** The caller whose name and password these are. One at a time, so that guessing is slow. */
  synchronized Optional<Caller> caller(String name, String password) {
    User user = users.get(name);
    String hash = user == null ? NOBODY : user.hash();
    boolean equal =
        MessageDigest.isEqual(
            Crypt.crypt(password, hash).getBytes(StandardCharsets.UTF_8),
            hash.getBytes(StandardCharsets.UTF_8));
    return user != null && equal ? Optional.of(user.caller()) : Optional.empty();
  }
}
