package dev.espalier.pruning.sparsity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.pruning.sparsity.GateRanking.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GateRankingTest {

  /** methods/vtp.md §13 a. */
  @Test
  void theSmallestGatesOfAllSitesFallFirst() {
    List<Site> sites =
        List.of(
            new Site("all", new double[] {0.9, 0.05, 0.4}),
            new Site("all", new double[] {0.2, 0, 1.1, 0.6}));

    assertThat(fallen(sites, 0.4)).containsExactly("0:1", "1:1");
    assertThat(fallen(sites, 0.5)).containsExactly("0:1", "1:0", "1:1");
    assertThat(fallen(sites, 0)).isEmpty();
    assertThat(fallen(sites, 1)).hasSize(7);
  }

  @Test
  void equalGatesThinAllSitesEvenly() {
    double[] longSite = new double[40];
    double[] shortSite = new double[20];
    Arrays.fill(longSite, 1);
    Arrays.fill(shortSite, 1);
    List<Site> sites = List.of(new Site("all", longSite), new Site("all", shortSite));

    List<String> half = fallen(sites, 0.5);

    assertThat(half).hasSize(30);
    assertThat(half.stream().filter(gate -> gate.startsWith("0:")).count()).isBetween(19L, 21L);
    assertThat(fallen(sites, 0)).isEmpty();
  }

  @Test
  void poolsAreRankedApart() {
    List<Site> sites =
        List.of(new Site("a", new double[] {9, 8, 7, 6}), new Site("b", new double[] {1, 2, 3, 4}));

    assertThat(fallen(sites, 0.5)).containsExactly("0:2", "0:3", "1:0", "1:1");
  }

  @Test
  void countsWithoutRoundingAway() {
    assertThat(GateRanking.removed(1 - 0.9, 10)).isEqualTo(1);
    assertThat(GateRanking.removed(0.5, 7)).isEqualTo(3);
    assertThat(GateRanking.removed(0, 7)).isZero();
  }

  private static List<String> fallen(List<Site> sites, double p) {
    List<double[]> shares = GateRanking.fallsAt(sites);
    List<String> fallen = new ArrayList<>();
    for (int s = 0; s < sites.size(); s++) {
      Object pool = sites.get(s).pool();
      int n =
          sites.stream()
              .filter(site -> site.pool().equals(pool))
              .mapToInt(site -> site.scores().length)
              .sum();
      for (int j = 0; j < shares.get(s).length; j++) {
        if (shares.get(s)[j] <= (double) GateRanking.removed(p, n) / n) {
          fallen.add(s + ":" + j);
        }
      }
    }
    return fallen;
  }
}
