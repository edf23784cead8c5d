package dev.espalier.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.espalier.cli.local.LocalPlatform;
import dev.espalier.cli.server.Credentials;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Screen;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Options that every command has, and what they lead to. */
public final class Context {

  /** How results are printed. */
  public enum Output {
    text,
    json
  }

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where the local installation keeps everything. Default: ~/.espalier.")
  private Path dataDirectory;

  @Option(
      names = "--server",
      paramLabel = "URL",
      description = "A scheduler elsewhere. Default: the local installation's.")
  private String server;

  @Option(
      names = "--user",
      paramLabel = "NAME",
      description = {
        "Who asks the --server, with the password in ESPALIER_PASSWORD or --password-file.",
        "Default: ESPALIER_USER."
      },
      defaultValue = "${env:ESPALIER_USER}")
  private String user;

  @Option(
      names = "--password-file",
      paramLabel = "FILE",
      description = "File with the user's password.")
  private Path passwordFile;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description = "File with a token of the OIDC provider. Default: ESPALIER_TOKEN holds it.")
  private Path tokenFile;

  @Option(
      names = "--ca-file",
      paramLabel = "FILE",
      description = {
        "Certificates to trust the --server by, PEM.",
        "Default: ESPALIER_CA_FILE, or else those of the JDK."
      })
  private Path caFile;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "text or json. Default: text.")
  private Output output;

  public LocalPlatform local() {
    return new LocalPlatform(home(), dataDirectory());
  }

  public Path dataDirectory() {
    if (dataDirectory != null) {
      return dataDirectory.toAbsolutePath().normalize();
    }
    String home = System.getProperty("user.home");
    if (home == null || home.isBlank() || home.equals("?")) {
      throw new CommandFailed("there is no home directory; name a place with --data-dir DIR");
    }
    return Path.of(home, ".espalier").toAbsolutePath();
  }

  /** The checkout; the launcher says where it is. */
  public static Path home() {
    return Path.of(System.getProperty("espalier.home", ".")).toAbsolutePath().normalize();
  }

  public boolean remote() {
    return server != null;
  }

  /** The scheduler that commands talk to. */
  public Scheduler scheduler() {
    if (server != null) {
      return new Scheduler(
          server, Credentials.of(user, passwordFile, tokenFile, caFile, System::getenv));
    }
    return new Scheduler(
        local()
            .server()
            .orElseThrow(
                () ->
                    new CommandFailed(
                        "nothing runs on %s; start it with: espalier up%s"
                            .formatted(dataDirectory(), dataDirOption()))));
  }

  /** For hints: the option as the user would have to repeat it. */
  public String dataDirOption() {
    return dataDirectory == null ? "" : " --data-dir " + dataDirectory;
  }

  public boolean json() {
    return output == Output.json;
  }

  public Screen screen() {
    return Screen.standard();
  }

  public void printJson(Object tree) {
    try {
      System.out.println(JSON.writeValueAsString(tree));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not a JSON tree", e);
    }
  }
}
