package dev.espalier.cli.server;

import dev.espalier.cli.BadInput;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * What a scheduler elsewhere is shown, and how it is known to be the right one. Secrets come from
 * files or the environment, never from the command line, which every user of a machine can read.
 *
 * @param authorization value of the {@code Authorization} header, if any
 * @param caFile certificates to trust instead of the JDK's, PEM, if any
 */
public record Credentials(Optional<String> authorization, Optional<Path> caFile) {

  public static final Credentials NONE = new Credentials(Optional.empty(), Optional.empty());

  /** Both are read when a command needs them. */
  public static Credentials of(
      String user, Path passwordFile, Path tokenFile, Path caFile, Environment environment) {
    Optional<Path> ca =
        Optional.ofNullable(caFile)
            .or(() -> Optional.ofNullable(environment.get("ESPALIER_CA_FILE")).map(Path::of));
    String token =
        tokenFile == null ? environment.get("ESPALIER_TOKEN") : secret("--token-file", tokenFile);
    if (user == null) {
      return new Credentials(Optional.ofNullable(token).map(text -> "Bearer " + text), ca);
    }
    if (tokenFile != null) {
      throw new BadInput("--token-file", "either a token or a user", "both");
    }
    if (user.contains(":")) {
      throw new BadInput("--user", "a name without a colon", user);
    }
    String password =
        passwordFile == null
            ? environment.get("ESPALIER_PASSWORD")
            : secret("--password-file", passwordFile);
    if (password == null) {
      throw new BadInput(
          "--user", "its password in --password-file or in ESPALIER_PASSWORD", "neither");
    }
    String pair = user + ":" + password;
    String encoded = Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
    return new Credentials(Optional.of("Basic " + encoded), ca);
  }

  /** Where variables come from. */
  @FunctionalInterface
  public interface Environment {
    String get(String name);
  }

  private static String secret(String option, Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new BadInput(option, "a file that can be read", file + " (" + e.getMessage() + ")");
    }
  }

  /** Empty where the JDK's certificates are to be trusted. */
  Optional<SSLContext> trust() {
    return caFile.map(Credentials::trustOnly);
  }

  private static SSLContext trustOnly(Path file) {
    try (InputStream pem = Files.newInputStream(file)) {
      KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
      trusted.load(null, null);
      int number = 0;
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
        trusted.setCertificateEntry("ca-" + number++, certificate);
      }
      if (number == 0) {
        throw new BadInput("--ca-file", "certificates in PEM", "none in " + file);
      }
      TrustManagerFactory managers =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      managers.init(trusted);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, managers.getTrustManagers(), null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new BadInput("--ca-file", "certificates in PEM", file + " (" + e.getMessage() + ")");
    }
  }
}
