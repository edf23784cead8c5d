package dev.espalier.sweep.planning;

import dev.espalier.architecture.vit.VitArchitecture;

/**
 * What the names in a spec stood for when the sweep was accepted.
 *
 * @param model file of the registered model
 * @param base its shape; may be null for a plan without targets of latency, which looks at no shape
 * @param dataset file of the registered dataset
 */
public record ResolvedInputs(
    ArtifactPointer model, VitArchitecture base, ArtifactPointer dataset) {}
