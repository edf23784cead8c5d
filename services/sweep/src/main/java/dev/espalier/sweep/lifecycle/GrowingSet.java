package dev.espalier.sweep.lifecycle;

import java.util.AbstractSet;
import java.util.Collection;
import java.util.Iterator;

/** An immutable set in the order of insertion, which grows without being copied. */
public final class GrowingSet extends AbstractSet<String> {

  private static final GrowingSet EMPTY = new GrowingSet(GrowingMap.empty());

  private final GrowingMap<Boolean> elements;

  private GrowingSet(GrowingMap<Boolean> elements) {
    this.elements = elements;
  }

  public static GrowingSet empty() {
    return EMPTY;
  }

  public GrowingSet with(String element) {
    return new GrowingSet(elements.with(element, true));
  }

  public GrowingSet with(Collection<String> more) {
    GrowingSet all = this;
    for (String element : more) {
      all = all.with(element);
    }
    return all;
  }

  @Override
  public boolean contains(Object element) {
    return elements.containsKey(element);
  }

  @Override
  public Iterator<String> iterator() {
    return elements.keySet().iterator();
  }

  @Override
  public int size() {
    return elements.size();
  }
}
