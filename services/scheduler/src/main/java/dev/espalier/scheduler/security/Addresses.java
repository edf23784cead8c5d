package dev.espalier.scheduler.security;

import java.util.Arrays;

/** Tells loopback addresses from others, without asking a name server. */
final class Addresses {

  private Addresses() {}

  /**
   * @param host name or address, IPv6 with or without brackets
   */
  static boolean isLoopback(String host) {
    if (host == null) {
      return false;
    }
    String bare = host.replaceAll("^\\[|]$", "");
    return bare.equals("localhost")
        || bare.matches("127(\\.\\d{1,3}){3}")
        || bare.equals("::1")
        || bare.equals("0:0:0:0:0:0:0:1");
  }

  /**
   * @param servers {@code host:port,host:port}
   */
  static boolean areLoopback(String servers) {
    return Arrays.stream(servers.split(","))
        .map(String::strip)
        .map(server -> server.replaceFirst("^[A-Za-z_]+://", "").replaceFirst(":\\d+$", ""))
        .allMatch(Addresses::isLoopback);
  }
}
