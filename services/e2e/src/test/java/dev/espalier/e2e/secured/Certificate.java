package dev.espalier.e2e.secured;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A self-signed certificate of this machine, made by the JDK's own keytool. */
final class Certificate {

  static final String PASSWORD = "changeit";

  final Path keyStore;
  final Path pem;

  /**
   * @param addresses this machine's, beside localhost
   */
  Certificate(Path directory, List<String> addresses) throws Exception {
    keyStore = directory.resolve("server.p12");
    pem = directory.resolve("ca.pem");
    StringBuilder names = new StringBuilder("SAN=dns:localhost");
    addresses.forEach(address -> names.append(",ip:").append(address));
    run(
        "-genkeypair",
        "-alias",
        "server",
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        "CN=localhost",
        "-validity",
        "2",
        "-ext",
        names.toString(),
        "-storetype",
        "PKCS12",
        "-storepass",
        PASSWORD,
        "-keystore",
        keyStore.toString());
    run(
        "-exportcert",
        "-rfc",
        "-alias",
        "server",
        "-storepass",
        PASSWORD,
        "-keystore",
        keyStore.toString(),
        "-file",
        pem.toString());
  }

  private static void run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException("keytool: " + said);
    }
  }
}
