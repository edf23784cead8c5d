package dev.espalier.sweep.lifecycle;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An immutable map in the order of insertion. Its successors share all but a few nodes with it, so
 * that a state that grows by an entry with each of ten thousand events is not copied each time: a
 * hash trie (Bagwell, 2001) whose entries are numbered. Walking it sorts.
 */
public final class GrowingMap<V> extends AbstractMap<String, V> {

  private static final int BITS = 4;
  private static final int WIDTH = 1 << BITS;

  /**
   * @param next another key with the same hash, or null
   */
  private record Node<V>(int hash, String key, V value, long number, Node<V> next) {}

  private final Object[] root;
  private final int size;
  private final long inserted;

  private GrowingMap(Object[] root, int size, long inserted) {
    this.root = root;
    this.size = size;
    this.inserted = inserted;
  }

  public static <V> GrowingMap<V> empty() {
    return new GrowingMap<>(new Object[WIDTH], 0, 0);
  }

  /** This map and one more entry; an entry that is replaced keeps its place. */
  public GrowingMap<V> with(String key, V value) {
    Node<V> known = find(key);
    Node<V> entry =
        new Node<>(hash(key), key, value, known == null ? inserted : known.number, null);
    return new GrowingMap<>(
        put(root, 0, entry), size + (known == null ? 1 : 0), inserted + (known == null ? 1 : 0));
  }

  /** This map less an entry. */
  public GrowingMap<V> without(String key) {
    return find(key) == null
        ? this
        : new GrowingMap<>(remove(root, 0, hash(key), key), size - 1, inserted);
  }

  @Override
  public V get(Object key) {
    Node<V> found = key instanceof String text ? find(text) : null;
    return found == null ? null : found.value;
  }

  @Override
  public boolean containsKey(Object key) {
    return key instanceof String text && find(text) != null;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Set<Entry<String, V>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public Iterator<Entry<String, V>> iterator() {
        List<Node<V>> nodes = new ArrayList<>(size);
        collect(root, nodes);
        nodes.sort(Comparator.comparingLong(Node::number));
        return Collections.unmodifiableList(nodes).stream()
            .map(node -> Map.entry(node.key, node.value))
            .iterator();
      }

      @Override
      public int size() {
        return size;
      }
    };
  }

  @SuppressWarnings("unchecked") // a slot holds a node of this map, a deeper table, or nothing
  private Node<V> find(String key) {
    int hash = hash(key);
    Object slot = root;
    for (int shift = 0; slot instanceof Object[] table; shift += BITS) {
      slot = table[hash >>> shift & WIDTH - 1];
    }
    Node<V> node = (Node<V>) slot;
    while (node != null && !node.key.equals(key)) {
      node = node.next;
    }
    return node;
  }

  @SuppressWarnings("unchecked")
  private static <V> Object[] put(Object[] table, int shift, Node<V> entry) {
    Object[] copy = table.clone();
    int place = entry.hash >>> shift & WIDTH - 1;
    Object slot = table[place];
    if (slot instanceof Object[] deeper) {
      copy[place] = put(deeper, shift + BITS, entry);
    } else if (slot == null) {
      copy[place] = entry;
    } else {
      Node<V> other = (Node<V>) slot;
      if (other.hash == entry.hash) {
        Node<V> rest = less(other, entry.key);
        copy[place] = new Node<>(entry.hash, entry.key, entry.value, entry.number, rest);
      } else {
        Object[] deeper = new Object[WIDTH];
        deeper[other.hash >>> shift + BITS & WIDTH - 1] = other;
        copy[place] = put(deeper, shift + BITS, entry);
      }
    }
    return copy;
  }

  @SuppressWarnings("unchecked")
  private static Object[] remove(Object[] table, int shift, int hash, String key) {
    Object[] copy = table.clone();
    int place = hash >>> shift & WIDTH - 1;
    copy[place] =
        table[place] instanceof Object[] deeper
            ? remove(deeper, shift + BITS, hash, key)
            : less((Node<Object>) table[place], key);
    return copy;
  }

  /** A chain of keys with the same hash, without one of them. */
  private static <V> Node<V> less(Node<V> chain, String key) {
    if (chain == null || chain.key.equals(key)) {
      return chain == null ? null : chain.next;
    }
    return new Node<>(chain.hash, chain.key, chain.value, chain.number, less(chain.next, key));
  }

  @SuppressWarnings("unchecked")
  private static <V> void collect(Object[] table, List<Node<V>> nodes) {
    for (Object slot : table) {
      if (slot instanceof Object[] deeper) {
        collect(deeper, nodes);
      } else {
        for (Node<V> node = (Node<V>) slot; node != null; node = node.next) {
          nodes.add(node);
        }
      }
    }
  }

  private static int hash(String key) {
    int hash = key.hashCode() * 0x9E3779B9;
    return hash ^ hash >>> 16;
  }
}
