package dev.espalier.messaging.consume;

/** Handles one record; returning means that its offset may be committed. */
@FunctionalInterface
public interface RecordHandler<M> {

  void handle(ConsumedRecord<M> record) throws Exception;
}
