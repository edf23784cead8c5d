package dev.espalier.messaging.consume;

import java.util.List;

/**
 * Handles all records that one poll brought, of one partition or of several, each partition's in
 * their order. If it throws, the records come again: by partition, and one at a time when the error
 * is not a passing one.
 */
@FunctionalInterface
public interface BatchHandler<M> {

  void handle(List<ConsumedRecord<M>> records) throws Exception;
}
