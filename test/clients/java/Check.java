import java.util.Objects;
import java.util.concurrent.Callable;

/** What the tours of the Java clients share: comparing, waiting, ending. */
class Check {
  interface Part {
    void run() throws Exception;
  }

  static void same(String what, Object got, Object want) {
    if (!Objects.equals(got, want)) throw new AssertionError(what + ": got " + got + ", want " + want);
  }

  static void refused(String what, Part part, String text) {
    String got = "no error";
    try {
      part.run();
    } catch (Exception e) {
      got = String.valueOf(e.getMessage());
    }
    if (!got.startsWith(text)) throw new AssertionError(what + ": got " + got + ", want " + text + "...");
  }

  /** Waits for what another connection does. */
  static void until(String what, Callable<Boolean> f) throws Exception {
    for (long end = System.nanoTime() + 60_000_000_000L; !f.call();) {
      if (System.nanoTime() > end) throw new AssertionError(what + ": not in a minute");
      Thread.sleep(10);
    }
  }

  /** Runs a tour and ends the process. */
  static void tour(Part part) {
    try {
      part.run();
      System.exit(0);
    } catch (Throwable e) {
      e.printStackTrace(System.out);
      System.exit(1);
    }
  }
}
