package dev.espalier.standalone.leash;

/** A program on a leash that would never end by itself, and whose clean-up may hang. */
public final class Held {

  private Held() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length > 1) {
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    while (true) {
                      Thread.onSpinWait();
                    }
                  }));
    }
    Leash.hold(System.in, Long.parseLong(arguments[0]));
    System.out.println("held");
    Thread.currentThread().join();
  }
}
