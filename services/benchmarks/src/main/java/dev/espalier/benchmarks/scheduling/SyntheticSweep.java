package dev.espalier.benchmarks.scheduling;

import java.sql.SQLException;

/**
 * One finished sweep as its tables hold it, written by SQL: ten trials share a search, each trial
 * has a stage of every kind, two attempts at its recovery, ten epochs, eleven measurements, the
 * widths of twelve blocks twice, and the events of all that. The first trial and the last forty
 * still train. Curves fill up what is left of the points: 2,000 steps of four curves for each of
 * the eight trials that are compared, the same short curves for all others.
 */
final class SyntheticSweep {

  static final String ID = "bench";

  private static final int COMPARED = 8;
  private static final int LONG_CURVE = 2_000;
  private static final int CURVES = 4;
  private static final int WIDTHS = 12 * 4 * 2;

  private static final String ROWS =
      """
      insert into model (name, sha256, size_bytes, architecture)
      select 'vit', 'm', 1, jsonb_build_object('blocks', jsonb_agg(jsonb_build_object(
        'heads', 3, 'qkWidth', 64, 'vWidth', 64, 'mlpHidden', 768))) from generate_series(1, 12);

      insert into sweep (sweep_id, team, name, state, run, canonical_spec_json, model_sha256,
        dataset_sha256, cells, trials, planned, succeeded, accepted_at)
      values ('bench', 'lab', 'bench', 'RUNNING', 0, '{}', 'm', 'd', :trials / 3, :trials, 0,
        :trials - 41, now() - interval '50 minutes');

      insert into worker (worker_id, partition, service, state, slots, device_kind, device, host,
        engine_version, software_version, joined_at, heartbeat_at)
      select 'trainer-' || lpad(to_hex(i), 8, '0'), i, 'trainer', 'ACTIVE', 1, 'cpu', 'cpu', 'h',
        '', '', now(), now() from generate_series(1, 64) i;

      create temp table made as
      select i, md5('trial' || i) as trial_id,
        case when i = 1 or i > :trials - 40 then 'RUNNING' else 'SUCCEEDED' end as state,
        now() - interval '50 minutes' + i * (interval '45 minutes' / :trials) as started
      from generate_series(1, :trials) i;

      insert into trial (trial_id, sweep_id, cell_id, method, redistribution, target_kind,
        keep_ratio, seed, priority, state, planned_at, ended_at)
      select trial_id, 'bench', 'cell-' || i / 3, 'method' || i / 3 % 8, 'none', 'macs',
        0.2 + i / 24 % 40 * 0.02, i % 3, 0, state, started,
        case when state = 'SUCCEEDED' then started + interval '2 minutes' end from made;

      create temp table made_stage as
      select m.*, k.kind, k.position, md5(k.kind || case when k.kind = 'SEARCH' then i / 10 else i end)
        as stage_id, case when m.state = 'RUNNING' and k.kind = 'FINETUNE' then 'RUNNING'
          when m.state = 'RUNNING' and k.kind = 'EVALUATE' then 'WAITING' else 'SUCCEEDED' end
        as stage_state
      from made m, unnest(array['SEARCH','PRUNE','REDISTRIBUTE','FINETUNE','EVALUATE'])
        with ordinality k(kind, position);

      insert into trial_stage select trial_id, position - 1, stage_id, started from made_stage;
      insert into stage_claim (stage_id, trial_id, sweep_id, priority, claimed_at)
      select stage_id, trial_id, 'bench', 0, started from made_stage;
      insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team, spec,
        state, sweep_id, requested_at, runnable_at, worker_id, started_at, ended_at, wall_seconds)
      select distinct on (stage_id) stage_id, kind, lower(kind), 1, 'cpu', 0, 'lab', '', stage_state,
        'bench', started, started, 'trainer-' || lpad(to_hex(1 + i % 64), 8, '0'), started,
        case when stage_state = 'SUCCEEDED' then started + interval '20 s' end,
        case when stage_state = 'SUCCEEDED' then 20 end
      from made_stage order by stage_id, i;
      insert into lease (stage_id, lease_id, generation, worker_id, sweep_id, trial_id, alone,
        assigned_at, until, progress_at, step, total_steps, images_per_second)
      select stage_id, gen_random_uuid(), 2, 'trainer-' || lpad(to_hex(1 + i % 64), 8, '0'), 'bench',
        trial_id, false, now(), now() + interval '1 minute', now(), 10, 100, 200
      from made_stage where stage_state = 'RUNNING';
      insert into attempt (stage_id, generation, worker_id, lease_id, device, assigned_at, started_at,
        ended_at, outcome)
      select s.stage_id, g, s.worker_id, gen_random_uuid(), 'cpu', s.started_at, s.started_at,
        s.started_at + interval '20 s', case g when 2 then 'SUCCEEDED' else 'ENDED' end
      from stage s, generate_series(case s.kind when 'FINETUNE' then 1 else 2 end, 2) g
      where s.state <> 'WAITING';
      insert into epoch_evaluated
      select stage_id, 2, e, e * 200, 0.5 + e * 0.01, 0.9, 1, 1, started + e * interval '2 s'
      from made_stage, generate_series(1, 10) e where kind = 'FINETUNE';
      insert into trial_measurement
      select trial_id, name, 0.1 + i % 97 * 0.005
      from made, unnest(array['top1_accuracy','top5_accuracy','top1_before_recovery',
        'base_top1_accuracy','params','macs','base_params','base_macs','latency_p50_ms',
        'latency_p95_ms','model_bytes']) name where state = 'SUCCEEDED';

      insert into metric_point
      select stage_id, name, block, 1, 64, started, 'bench', trial_id
      from made_stage, generate_series(0, 11) block,
        unnest(array['block_heads','block_qk_width','block_v_width','block_mlp_width']) name
      where kind in ('PRUNE', 'REDISTRIBUTE');
      insert into metric_point
      select stage_id, name, step, 2, 1.0 / (1 + step), started + step * interval '10 ms', 'bench',
        trial_id
      from made_stage,
        unnest(array['train_loss','learning_rate','gradient_norm','images_per_second']) name,
        generate_series(1, case when i <= :compared then :long else :short end) step
      where kind = 'FINETUNE';

      insert into event (stream, version, event_id, type, payload, topic, key, occurred_at,
        recorded_at, published_at)
      select 'stage-' || stage_id, v, gen_random_uuid(), 'espalier.stage.v1.CheckpointSaved', '',
        'stage.events.v1', stage_id, started_at, started_at, started_at
      from stage, generate_series(1, case kind when 'FINETUNE' then 30 else 6 end) v;
      insert into event (stream, version, event_id, type, payload, topic, key, occurred_at,
        recorded_at, published_at)
      select 'trial-' || trial_id, v, gen_random_uuid(), 'espalier.trial.v1.TrialStageSucceeded', '',
        'trial.events.v1', trial_id, started, started, started
      from made, generate_series(1, 8) v;
      """;

  private SyntheticSweep() {}

  /**
   * @param points of all curves and widths together
   */
  static void write(ScalePlatform platform, int trials, int points) throws SQLException {
    int shortCurve =
        (points - trials * WIDTHS - COMPARED * CURVES * LONG_CURVE)
            / (CURVES * (trials - COMPARED));
    if (shortCurve < 1) {
      throw new IllegalArgumentException(
          "--cells must leave some of %d points for curves but is %d".formatted(points, trials));
    }
    platform.run(
        ROWS.replace(":trials", Integer.toString(trials))
            .replace(":compared", Integer.toString(COMPARED))
            .replace(":long", Integer.toString(LONG_CURVE))
            .replace(":short", Integer.toString(shortCurve)));
    platform.run("analyze");
  }
}
