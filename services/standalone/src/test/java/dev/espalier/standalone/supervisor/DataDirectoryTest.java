package dev.espalier.standalone.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataDirectoryTest {

  @TempDir Path root;

  @Test
  void oneSupervisorHoldsADirectoryAtATime() throws Exception {
    try (DataDirectory held = DataDirectory.take(root, 0)) {
      assertThat(held.store()).isDirectory();
      assertThatThrownBy(() -> DataDirectory.take(root, 100))
          .isInstanceOf(DataDirectory.Taken.class)
          .hasMessageContaining(root.toString());
    }
    DataDirectory.take(root, 0).close();
  }
}
