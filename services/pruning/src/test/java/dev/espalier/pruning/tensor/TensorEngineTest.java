package dev.espalier.pruning.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.pruning.engine.Engines;
import dev.espalier.pruning.evaluation.DeviceName;
import org.junit.jupiter.api.Test;

class TensorEngineTest {

  @Test
  void aGpuThatIsNotThereIsNamedAtStart() {
    assertThatThrownBy(() -> TensorEngine.device("gpu1", 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("device gpu1 needs")
        .hasMessageContaining("2 GPU(s) but found 1");
    assertThat(TensorEngine.device("gpu1", 2)).isEqualTo(Device.gpu(1));
    assertThat(TensorEngine.device("cpu", 0)).isEqualTo(Device.cpu());
  }

  @Test
  void aDeviceWithoutADriverKeepsItsName() {
    assertThat(DeviceName.of("gpu99")).isEqualTo("gpu99");
  }

  @Test
  void numbersForAProgramLieOnTheHostAndGoWithTheirOwner() {
    NDManager owner = Engines.TENSORS.newManager();
    NDArray numbers = HostArrays.numbers(owner, 0.1, 2);
    assertThat(numbers.getDevice()).isEqualTo(Device.cpu());
    assertThat(numbers.getManager()).isSameAs(owner);
    assertThat(numbers.toDoubleArray()).containsExactly(0.1, 2);
    owner.close();
    assertThatThrownBy(numbers::toDoubleArray).isInstanceOf(IllegalStateException.class);
  }
}
