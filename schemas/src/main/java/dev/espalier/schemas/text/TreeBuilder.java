package dev.espalier.schemas.text;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.resolver.CoreScalarResolver;

/**
 * Builds the tree from the parser's events, with its own stack instead of recursion, so that
 * nesting costs no call stack and every bound is checked before anything is allocated for it.
 */
final class TreeBuilder {

  /** Ends the reading; carries no stack trace since it is not a failure. */
  static final class Refused extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final transient TextReading reading;

    Refused(TextReading reading) {
      super(null, null, false, false);
      this.reading = reading;
    }

    TextReading reading() {
      return reading;
    }
  }

  /** A collection that is not closed yet. */
  private static final class Open {

    private final Map<String, Object> map;
    private final List<Object> list;
    private final Optional<Anchor> anchor;
    private String key;
    private int values = 1;

    Open(boolean mapping, Optional<Anchor> anchor) {
      this.map = mapping ? new LinkedHashMap<>() : null;
      this.list = mapping ? null : new ArrayList<>();
      this.anchor = anchor;
    }

    Object value() {
      return map != null ? map : list;
    }
  }

  /** An anchored value and how many values it holds, itself included. */
  private record Anchored(Object value, int values) {}

  private static final CoreScalarResolver RESOLVER = new CoreScalarResolver(false);

  private final Deque<Open> open = new ArrayDeque<>();
  private final Map<Anchor, Anchored> anchors = new HashMap<>();
  private int documents;
  private int aliases;
  private int values;
  private Object root;

  void accept(Event event) {
    switch (event.getEventId()) {
      case StreamStart, StreamEnd, DocumentEnd, Comment -> {}
      case DocumentStart -> {
        if (++documents > 1) {
          throw refuse("", "one document", "a second one", event);
        }
      }
      case Alias -> alias((AliasEvent) event);
      case Scalar -> scalar((ScalarEvent) event);
      case MappingStart, SequenceStart -> start((CollectionStartEvent) event);
      case MappingEnd, SequenceEnd -> {
        Open closed = open.pop();
        add(event, closed.value(), closed.values, closed.anchor);
      }
    }
  }

  TextReading finish() {
    if (documents == 0 || root == null) {
      return TextReading.refused("", "a sweep", "an empty text");
    }
    return TextReading.of(root);
  }

  private void start(CollectionStartEvent event) {
    boolean mapping = event.getEventId() == Event.ID.MappingStart;
    refuseTag(event.getTag(), event);
    if (open.size() >= SweepText.MAX_DEPTH) {
      throw refuse("", "at most %d levels".formatted(SweepText.MAX_DEPTH), "more", event);
    }
    Open parent = open.peek();
    if (parent != null && parent.map != null && parent.key == null) {
      throw refuse(path(), "text as a key", mapping ? "an object" : "a list", event);
    }
    open.push(new Open(mapping, event.getAnchor()));
  }

  private void scalar(ScalarEvent event) {
    Open parent = open.peek();
    if (parent != null && parent.map != null && parent.key == null) {
      String key = event.getValue();
      if (parent.map.containsKey(key)) {
        throw refuse(path(key), "each key once", "the key again", event);
      }
      parent.key = key;
      return;
    }
    refuseTag(event.getTag(), event);
    add(event, value(event), 1, event.getAnchor());
  }

  private static Object value(ScalarEvent event) {
    String text = event.getValue();
    if (!event.isPlain()) {
      return text;
    }
    Tag tag = RESOLVER.resolve(text, true);
    if (tag.equals(Tag.NULL)) {
      return null;
    }
    if (tag.equals(Tag.BOOL)) {
      return text.equalsIgnoreCase("true");
    }
    if (tag.equals(Tag.INT)) {
      return integer(text);
    }
    if (tag.equals(Tag.FLOAT)) {
      return real(text);
    }
    return text;
  }

  private static Object integer(String text) {
    try {
      if (text.startsWith("0x")) {
        return Long.parseLong(text.substring(2), 16);
      }
      if (text.startsWith("0o")) {
        return Long.parseLong(text.substring(2), 8);
      }
      return Long.parseLong(text);
    } catch (NumberFormatException tooLong) {
      return text.startsWith("0") ? text : (Object) Double.parseDouble(text);
    }
  }

  private static Double real(String text) {
    String lower = text.toLowerCase(java.util.Locale.ROOT);
    if (lower.endsWith(".nan")) {
      return Double.NaN;
    }
    if (lower.endsWith(".inf")) {
      return lower.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    return Double.valueOf(text);
  }

  private void alias(AliasEvent event) {
    if (++aliases > SweepText.MAX_ALIASES) {
      throw refuse(path(), "at most %d aliases".formatted(SweepText.MAX_ALIASES), "more", event);
    }
    Anchored anchored = anchors.get(event.getAlias());
    if (anchored == null) {
      throw refuse(path(), "an alias of a value that is complete", "*" + event.getAlias(), event);
    }
    Open parent = open.peek();
    if (parent != null && parent.map != null && parent.key == null) {
      throw refuse(path(), "text as a key", "an alias", event);
    }
    values = Math.addExact(values, anchored.values() - 1);
    add(event, anchored.value(), anchored.values(), Optional.empty());
  }

  private void add(Event event, Object value, int size, Optional<Anchor> anchor) {
    if (++values > SweepText.MAX_VALUES) {
      throw refuse("", "at most %d values".formatted(SweepText.MAX_VALUES), "more", event);
    }
    anchor.ifPresent(name -> anchors.put(name, new Anchored(value, size)));
    Open parent = open.peek();
    if (parent == null) {
      root = value;
      return;
    }
    parent.values += size;
    if (parent.map == null) {
      parent.list.add(value);
    } else {
      parent.map.put(parent.key, value);
      parent.key = null;
    }
  }

  private void refuseTag(Optional<String> tag, NodeEvent event) {
    if (tag.isPresent()) {
      throw refuse(path(), "a value without a tag", tag.get(), event);
    }
  }

  private Refused refuse(String field, String expected, String found, Event event) {
    String where = event.getStartMark().map(SweepText::place).map(at -> " at " + at).orElse("");
    return new Refused(TextReading.refused(field, expected, found + where));
  }

  /** Path of the value that comes next: "methods[1].name". */
  private String path() {
    StringBuilder path = new StringBuilder();
    open.descendingIterator()
        .forEachRemaining(
            level -> {
              if (level.map == null) {
                path.append('[').append(level.list.size()).append(']');
              } else if (level.key != null) {
                path.append(path.length() == 0 ? "" : ".").append(shorten(level.key));
              }
            });
    return path.toString();
  }

  private String path(String key) {
    String parent = path();
    return parent.isEmpty() ? shorten(key) : parent + "." + shorten(key);
  }

  private static String shorten(String key) {
    String line = key.replaceAll("\\p{Cntrl}", " ");
    return line.length() <= 80 ? line : line.substring(0, 80) + "...";
  }
}
