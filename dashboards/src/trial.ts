import { bars, board, cellLink, column, hidden, sql, stat, table, variable, xy } from './kit.js';

const CHOSEN = 'trial_id in (${trial:sqlstring})';
/** Curves of more than eight are not told apart by eye. */
const EIGHT = `(select trial_id, label from dash.trial where ${CHOSEN} order by trial_id limit 8) t`;
const NOT_TRAINED = 'Choose trials that have begun to train';
const TO_WORKER = cellLink('Worker', '/d/espalier-resources?var-worker=${__data.fields.worker_id}&${__url_time_range}');

const curve = (title: string, means: string, name: string, unit: string) =>
  xy({ title, means, unit: 'short', empty: NOT_TRAINED, by: 'trial', show: 'lines',
    queries: [sql(`select t.label as trial, p.step, p.value as ${name} from ${EIGHT}, lateral dash.curve_points(t.trial_id, '${name}', 300) p where p.value is not null order by 1, 2`)],
    overrides: [column(name, ['unit', unit])] });

const epochs = (title: string, means: string, name: string, unit: string) =>
  xy({ title, means, unit: 'short', empty: 'No epoch is evaluated yet', by: 'trial', show: 'points+lines',
    queries: [sql(`select t.label as trial, e.step, e.${name} from ${EIGHT} join dash.epoch e using (trial_id) where e.${name} is not null order by 1, 2`)],
    overrides: [column(name, ['unit', unit])] });

const widths = (title: string, means: string, column: string) =>
  xy({ title, means, unit: 'short', empty: 'The plan is not made yet', by: 'series', show: 'points+lines',
    queries: [sql(`select t.label || ' ' || w.model as series, w.block, ${column} as width from ${EIGHT} join dash.block_width w using (trial_id) where w.${CHOSEN} order by w.place, 1, 2`)] });

export const trial = board('espalier-trial', 'Up to eight trials beside each other: curves, widths, stages, attempts and the events behind them.', 'now-6h',
  [
    variable('sweep', 'Sweep', sql('select label as __text, sweep_id as __value from dash.sweep_name order by accepted_at desc limit 500')),
    variable('trial', 'Trials', sql('select label as __text, trial_id as __value from dash.trial where sweep_id = ${sweep:sqlstring} order by label limit 3000'), { multi: true }),
  ],
  [
    table({ title: 'Trials', means: 'What was asked for and what came of it, on the test images.', unit: 'short', empty: 'Choose a trial', height: 6,
      queries: [sql(`select label as trial, state, top1_accuracy, top1_before_recovery, base_top1_accuracy, macs, params, latency_p50_ms, base_latency_p50_ms, speedup_throughput, failure_code, failure_message
        from dash.trial where ${CHOSEN} order by trial_id limit 8`)],
      overrides: [...['top1_accuracy', 'top1_before_recovery', 'base_top1_accuracy'].map((name) => column(name, ['unit', 'percentunit'])), ...['latency_p50_ms', 'base_latency_p50_ms'].map((name) => column(name, ['unit', 'ms']))] }),
    stat({ title: 'Since the last metric', means: 'While a trial trains this stays at a few seconds. Minutes: look at its attempts and at its worker.', unit: 's', empty: 'Nothing trains now', width: 6,
      queries: [sql(`select extract(epoch from clock_timestamp() - max(c.measured_at)) as seconds from dash.trial_stage s join dash.curve c using (trial_id, stage_id)
        where s.${CHOSEN} and s.state = 'RUNNING' and s.kind = 'FINETUNE' and c.name = 'train_loss'`)] }),
    stat({ title: 'Lease runs out in', means: 'A heartbeat renews it. Below zero the worker is silent and the stage will start elsewhere.', unit: 's', empty: 'Nothing runs now', width: 6,
      queries: [sql(`select extract(epoch from min(lease_until) - clock_timestamp()) as seconds from dash.trial_stage where ${CHOSEN} and state = 'RUNNING'`)] }),
    stat({ title: 'Step', means: 'Step of the running stage, and how many it has in all.', unit: 'short', empty: 'Nothing runs now', width: 6, text: true,
      queries: [sql(`select step, total_steps as "of" from dash.trial_stage where ${CHOSEN} and state = 'RUNNING' and step is not null limit 1`)] }),
    stat({ title: 'Images a second', means: 'Of the running stage, as its worker last said.', unit: 'short', empty: 'Nothing runs now', width: 6,
      queries: [sql(`select images_per_second from dash.trial_stage where ${CHOSEN} and state = 'RUNNING' and images_per_second is not null limit 1`)] }),
    curve('Training loss', 'Mean of each stretch of steps. A rise or a gap of NaN: lower the learning rate.', 'train_loss', 'short'),
    epochs('Accuracy on validation images', 'After each epoch; step 0 is right after the cut. It should recover within the first epochs.', 'top1_accuracy', 'percentunit'),
    epochs('Validation loss', 'Rising while the training loss falls: fewer epochs, or more augmentation.', 'validation_loss', 'short'),
    curve('Learning rate', 'The schedule as it was run, warm-up and cosine.', 'learning_rate', 'short'),
    curve('Gradient norm', 'Before clipping. Spikes announce a loss that diverges.', 'gradient_norm', 'short'),
    curve('Speed of training', 'Images a second. A drop while nothing else changed: the machine is shared.', 'images_per_second', 'short'),
    bars({ title: 'Requested against achieved keep ratio', means: 'The share of MACs (or parameters, by the target) that was asked for and that is left. They differ by at most 1 % or half the smallest step.', unit: 'percentunit', empty: 'No trial has been evaluated yet', x: 'trial',
      queries: [sql(`select label as trial, keep_ratio as requested, case target_kind when 'macs' then macs_kept else params_kept end as achieved from dash.trial where ${CHOSEN} and macs is not null order by trial_id limit 8`)] }),
    bars({ title: 'Stage durations', means: 'Seconds of each stage of the trial. Shared stages count for each trial that walks them.', unit: 's', empty: 'No stage has ended yet', x: 'trial',
      queries: [sql(`select t.label as trial, sum(s.wall_seconds) filter (where s.kind = 'SEARCH') as search, sum(s.wall_seconds) filter (where s.kind = 'PRUNE') as prune,
        sum(s.wall_seconds) filter (where s.kind = 'REDISTRIBUTE') as redistribute, sum(s.wall_seconds) filter (where s.kind = 'FINETUNE') as finetune, sum(s.wall_seconds) filter (where s.kind = 'EVALUATE') as evaluate
        from ${EIGHT} join dash.trial_stage s using (trial_id) where s.wall_seconds is not null group by t.trial_id, t.label order by t.trial_id`)] }),
    widths('MLP width per block', 'Hidden units left, block by block: unpruned, pruned, redistributed.', 'w.mlp_width'),
    widths('Attention width per block', 'Heads times the width of query and key, block by block. 0 is a removed block.', 'w.heads * w.qk_width'),
    table({ title: 'Stages', means: 'In the order the trial walks them. reused: done before it asked.', unit: 'short', empty: 'Choose a trial',
      queries: [sql(`select t.label as trial, s.kind, s.algorithm, s.state, s.reused, s.claimants, s.attempts, s.worker_losses, s.wall_seconds, s.started_at, s.ended_at, s.worker_id, s.failure_code, s.failure_message
        from ${EIGHT} join dash.trial_stage s using (trial_id) order by t.trial_id, s.position`)],
      overrides: [column('wall_seconds', ['unit', 's']), column('worker_id', TO_WORKER)] }),
    table({ title: 'Attempts and leases', means: 'Every try at a stage, its worker and how it ended. More than one generation: a worker was lost or an attempt failed.', unit: 'short', empty: 'No attempt yet',
      queries: [sql(`select kind, generation, outcome, worker_id, host, device, assigned_at, started_at, seconds, resumed_from_step, lease_until, cause_category, cause_code, cause_message
        from dash.trial_attempt where ${CHOSEN} order by assigned_at desc limit 500`)],
      overrides: [column('seconds', ['unit', 's']), column('worker_id', TO_WORKER)] }),
    table({ title: 'Event log', means: 'The facts that everything above derives from, latest first. published_at empty for long: the relay is stuck.', unit: 'short', empty: 'Choose a trial',
      queries: [sql(`select recorded_at, source, type, version, occurred_at, published_at, stream from dash.event where ${CHOSEN} order by recorded_at desc, stream, version desc limit 500`)],
      overrides: [hidden('stream')] }),
  ]);
