package dev.espalier.scheduler.security;

/** Who made the request at hand. */
@FunctionalInterface
public interface CurrentCaller {

  Caller get();
}
