package dev.espalier.scheduler.security;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a caller may do; each role may do all that the ones before it may. */
public enum Role {
  /** Reads sweeps, reports and artifacts, of all teams. */
  VIEWER,
  /** Submits, pauses, resumes and cancels sweeps of its teams; adds models, datasets, artifacts. */
  SUBMITTER,
  /** Acts for every team, replaces what is registered, reads the audit view. */
  OPERATOR;

  // For annotations, which take constants only.
  public static final String VIEWER_NAME = "viewer";
  public static final String SUBMITTER_NAME = "submitter";
  public static final String OPERATOR_NAME = "operator";

  /** As it stands in files, tokens and answers. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  public static Optional<Role> parse(String text) {
    return Arrays.stream(values()).filter(role -> role.text().equals(text)).findFirst();
  }

  /** This role and those it includes, as text. */
  Set<String> included() {
    return EnumSet.range(VIEWER, this).stream().map(Role::text).collect(Collectors.toSet());
  }
}
