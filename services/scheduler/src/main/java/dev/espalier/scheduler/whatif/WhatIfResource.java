package dev.espalier.scheduler.whatif;

import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.security.Role;
import dev.espalier.sweep.spec.StrategyReading;
import dev.espalier.sweep.spec.Violation;
import dev.espalier.sweep.strategy.SearchRules;
import dev.espalier.sweep.strategy.WhatIf;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.UriInfo;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/**
 * Answers what another rule would have made of a sweep: {@code ?rule=asha&eta=3}, {@code
 * ?rule=median&graceEpochs=2}, {@code ?rule=loss&maxLoss=0.05}; parameters are those of a sweep's
 * {@code strategy} and {@code stop}.
 */
@Singleton
@RolesAllowed(Role.VIEWER_NAME)
@Path("/api/v1/sweeps/{id}/what-if")
@Produces(MediaType.APPLICATION_JSON)
public class WhatIfResource {

  private static final List<String> RULES = List.of("asha", "median", "loss");

  private final DataSource dataSource;

  WhatIfResource(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  @GET
  public Map<String, Object> answer(@PathParam("id") String id, @Context UriInfo address)
      throws SQLException {
    Map<String, Object> rule = new LinkedHashMap<>();
    address.getQueryParameters().forEach((name, values) -> rule.put(name, number(values.get(0))));
    Object name = rule.remove("rule");
    if (!RULES.contains(name)) {
      throw Problem.violation(
          "rule", "one of " + String.join(", ", RULES), Problem.shown(String.valueOf(name)));
    }
    rule.put("name", name);
    if (id.indexOf('\0') >= 0) {
      throw Problem.notFound("sweep", id);
    }
    RecordedCurves.Record record =
        RecordedCurves.read(dataSource, id).orElseThrow(() -> Problem.notFound("sweep", id));
    SearchRules asked = SearchRules.of(record.canonicalSpecJson());
    boolean asha = name.equals("asha");
    StrategyReading.Reading read = StrategyReading.read(asha ? rule : null, asha ? null : rule);
    List<Violation> violations = read.violations();
    if (!violations.isEmpty()) {
      throw Problem.violations(violations);
    }
    return tree(
        WhatIf.of(
            new SearchRules(
                read.strategy(), read.stop(), asked.epochs(), asked.seeds(), asked.ratios()),
            record.trials(),
            record.arrivals(),
            record.base()));
  }

  private static Object number(String text) {
    try {
      double value = Double.parseDouble(text);
      return value == Math.rint(value) && !text.contains(".") ? (Object) (long) value : value;
    } catch (NumberFormatException e) {
      return text;
    }
  }

  private static Map<String, Object> tree(WhatIf.Answer answer) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("epochs", answer.epochs());
    tree.put("savedEpochs", answer.savedEpochs());
    tree.put("unknownTrials", answer.unknown());
    tree.put("winners", answer.winners().stream().map(WhatIfResource::tree).toList());
    tree.put("trials", answer.trials().stream().map(WhatIfResource::tree).toList());
    return tree;
  }

  private static Map<String, Object> tree(WhatIf.Winner winner) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("target", winner.target());
    tree.put("trialId", winner.trialId());
    tree.put("top1Accuracy", winner.top1());
    tree.put("fate", winner.fate().name());
    winner
        .bestKept()
        .ifPresent(
            kept -> {
              tree.put("bestKeptTrialId", kept.trialId());
              tree.put("bestKeptTop1Accuracy", kept.top1());
            });
    return tree;
  }

  private static Map<String, Object> tree(WhatIf.Outcome outcome) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("trialId", outcome.trialId());
    tree.put("method", outcome.cell().method());
    tree.put("target", outcome.cell().target());
    tree.put("fate", outcome.fate().name());
    outcome.stopEpoch().ifPresent(epoch -> tree.put("stopEpoch", epoch));
    tree.put("epochs", outcome.epochs());
    tree.put("savedEpochs", outcome.savedEpochs());
    if (!Double.isNaN(outcome.top1())) {
      tree.put("top1Accuracy", outcome.top1());
    }
    if (!outcome.reason().isEmpty()) {
      tree.put("reason", outcome.reason());
    }
    return tree;
  }
}
