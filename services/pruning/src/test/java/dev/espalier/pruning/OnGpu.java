package dev.espalier.pruning;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIf;

/** A test of what a GPU does, skipped where {@link TestDevice} is not told of one. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("gpu")
@EnabledIf(
    value = "dev.espalier.pruning.TestDevice#isNamed",
    disabledReason = "gpu: runs with -Despalier.test.device=gpu0 where a CUDA device is")
public @interface OnGpu {}
