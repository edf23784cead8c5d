package dev.espalier.pruning.training;

/**
 * How well a model does on some images.
 *
 * @param top1Accuracy share of images whose best class is right, in [0, 1]
 * @param top5Accuracy share of images whose class is among the best five, in [0, 1]
 * @param loss mean cross entropy
 * @param images how many were judged
 */
public record Evaluation(double top1Accuracy, double top5Accuracy, double loss, int images) {}
