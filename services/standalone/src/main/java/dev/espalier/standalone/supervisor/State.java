package dev.espalier.standalone.supervisor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/**
 * What a supervisor tells the command line, and the next supervisor, in {@code run/state.json}. It
 * holds only while the directory's lock is held; after that its processes are orphans, if they
 * live.
 *
 * @param server base address of the scheduler's REST interface
 * @param kafka bootstrap servers
 * @param jdbc address of the database
 * @param leashed whether the installation ends with the command that started it
 * @param message what is being done or why it failed
 */
public record State(
    Phase phase,
    String message,
    long pid,
    String start,
    String home,
    String server,
    String kafka,
    String jdbc,
    boolean leashed,
    List<ChildState> children) {

  /** How far the installation is. */
  public enum Phase {
    STARTING,
    /** The scheduler answers; workers may still be starting. */
    SERVING,
    READY,
    STOPPING,
    STOPPED,
    FAILED
  }

  /** One child process. */
  public record ChildState(
      String name,
      String state,
      int port,
      int restarts,
      Integer exitCode,
      Long pid,
      String start,
      String log) {}

  private static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** Replaces the file in one step, so that a reader sees one state or the other. */
  void write(Path file) throws IOException {
    Path next = file.resolveSibling(file.getFileName() + ".next");
    Files.writeString(next, MAPPER.writeValueAsString(this));
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Empty where there is none, or none that can be read. */
  static Optional<State> read(Path file) {
    try {
      return Files.exists(file)
          ? Optional.of(MAPPER.readValue(Files.readString(file), State.class))
          : Optional.empty();
    } catch (JsonProcessingException damaged) {
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
