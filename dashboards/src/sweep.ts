import { board, cellLink, column, hidden, lines, sql, stat, table, timeline, variable, xy } from './kit.js';

const OF = 'sweep_id = ${sweep:sqlstring}';
const NONE_YET = 'No trial has ended yet';
const TO_TRIAL = cellLink('Trial detail', '/d/espalier-trial?var-sweep=${sweep}&var-trial=${__data.fields.trial_id}&${__url_time_range}');
const TO_WORKER = cellLink('Worker', '/d/espalier-resources?var-worker=${__data.fields.worker_id}&${__url_time_range}');

const front = (cost: string, member: string) => [
  sql(`select policy, ${cost}, top1_mean as top1_accuracy from dash.cell where ${OF} and top1_mean is not null order by policy, ${cost}`),
  sql(`select 'Pareto front' as policy, ${cost}, top1_mean as top1_accuracy from dash.cell where ${OF} and ${member} order by ${cost}`),
];
const LINE_OF_FRONT = {
  matcher: { id: 'byFrameRefID', options: 'B' },
  properties: [{ id: 'custom.show', value: 'points+lines' }],
};

export const sweep = board('espalier-sweep', 'One sweep: how far it is, what is best so far, what it costs. Click a trial or a worker to follow it.', 'now-6h',
  [variable('sweep', 'Sweep', sql('select label as __text, sweep_id as __value from dash.sweep_name order by accepted_at desc limit 500'))],
  [
    stat({ title: 'State', means: 'ACCEPTED is being planned, PAUSED waits for espalier resume, CAPPED ends what runs and then stops.', unit: 'string', empty: 'No such sweep', text: true,
      queries: [sql(`select state from dash.sweep where ${OF}`)] }),
    stat({ title: 'Progress', means: 'Share of the trials that have ended, however they ended.', unit: 'percentunit', empty: 'No such sweep',
      queries: [sql(`select progress from dash.sweep where ${OF}`)] }),
    stat({ title: 'Time left', means: 'What is left of each kind of stage, at the pace measured so far, on the slots there are now. The same figure as espalier status.', unit: 's', empty: 'Unknown until each kind of stage ran once, or ended',
      queries: [sql(`select eta_seconds from dash.sweep_eta where ${OF}`)] }),
    stat({ title: 'Best so far', means: 'Highest top-1 accuracy on the test images of a trial that has ended.', unit: 'percentunit', empty: NONE_YET,
      queries: [sql(`select max(top1_accuracy) as top1_accuracy from dash.trial where ${OF}`)] }),
    stat({ title: 'Trials', means: 'Trials by where they stand. Failed ones are listed below with their reason.', unit: 'short', empty: 'No such sweep', width: 8, text: true,
      queries: [sql(`select planned, running, succeeded, failed, cancelled from dash.sweep where ${OF}`)] }),
    xy({ title: 'Accuracy against MACs', means: 'Mean top-1 over seeds, one point a configuration; the line joins what nothing beats. Choose from the line.', unit: 'short', empty: NONE_YET, by: 'policy',
      queries: front('macs', 'on_macs_front'), overrides: [LINE_OF_FRONT, column('top1_accuracy', ['unit', 'percentunit'])] }),
    xy({ title: 'Accuracy against latency', means: 'Median time of one image, measured beside the unpruned model. Fewer MACs are not always faster: choose by this one.', unit: 'ms', empty: NONE_YET, by: 'policy',
      queries: front('latency_p50_ms', 'on_latency_front'), overrides: [LINE_OF_FRONT, column('top1_accuracy', ['unit', 'percentunit'])] }),
    xy({ title: 'Accuracy against keep ratio, with spread over seeds', means: 'Mean, lowest and highest top-1 over the seeds of each method. Where bands overlap the methods are not told apart: add seeds.', unit: 'percentunit', empty: NONE_YET, by: 'series', show: 'points+lines',
      queries: [sql(`select policy || ' ' || target_kind || ' ' || v.spread as series, keep_ratio, v.top1_accuracy
        from dash.cell, lateral (values ('mean', top1_mean), ('lowest', top1_lowest), ('highest', top1_highest)) v(spread, top1_accuracy)
        where ${OF} and cell_id <> '' and top1_mean is not null order by 1, 2`)] }),
    lines({ title: 'Best accuracy over time', means: 'Each trial as it ended, and the best until then. A flat line says that more of the same will not help.', unit: 'percentunit', empty: NONE_YET, width: 12, height: 10,
      queries: [sql(`select ended_at as time, top1_accuracy as trial, max(top1_accuracy) over (order by ended_at) as "best so far"
        from dash.trial where ${OF} and top1_accuracy is not null and ended_at is not null order by ended_at`)] }),
    table({ title: 'Method by keep ratio', means: 'Mean top-1 over seeds.', unit: 'percentunit', empty: NONE_YET, width: 12,
      queries: [sql(`select policy, target_kind || ' ' || keep_ratio as target, top1_mean from dash.cell where ${OF} and cell_id <> '' order by policy, keep_ratio desc`)],
      transformations: [{ id: 'groupingToMatrix', options: { columnField: 'target', rowField: 'policy', valueField: 'top1_mean' } }] }),
    table({ title: 'Stages by kind', means: 'Each stage once, however many trials share it. shared: several trials wait for it; reused: done before this sweep asked.', unit: 'short', empty: 'Nothing is planned yet', width: 12,
      queries: [sql(`select kind, total, waiting, running, done, failed, shared, reused from dash.sweep_stages where ${OF} order by place`)] }),
    table({ title: 'Leaderboard', means: 'The 100 best trials. Click one for its curves.', unit: 'short', empty: NONE_YET,
      queries: [sql(`select label as trial, state, top1_accuracy, top1_before_recovery, macs_kept, params_kept, latency_p50_ms, speedup_throughput, trial_id
        from dash.trial where ${OF} order by top1_accuracy desc nulls last, trial_id limit 100`)],
      overrides: [column('trial', TO_TRIAL), hidden('trial_id'), ...['top1_accuracy', 'top1_before_recovery', 'macs_kept', 'params_kept'].map((name) => column(name, ['unit', 'percentunit'])), column('latency_p50_ms', ['unit', 'ms'])] }),
    table({ title: 'Running now', means: 'Stages that a worker holds. Click the trial for its curves, the worker for its machine.', unit: 'short', empty: 'Nothing runs now',
      queries: [sql(`select distinct on (s.stage_id) s.kind, s.algorithm, s.trial_id, s.worker_id, s.device, s.step, s.total_steps, s.images_per_second, s.started_at, s.lease_until
        from dash.trial_stage s where s.${OF} and s.state = 'RUNNING' order by s.stage_id, s.trial_id limit 100`)],
      overrides: [column('trial_id', TO_TRIAL), column('worker_id', TO_WORKER)] }),
    timeline({ title: 'Worker lanes', means: 'What each worker did when. Gaps are idle slots: add trials or take workers away.', unit: 'string', empty: 'No attempt in this time range', by: 'worker',
      queries: [sql(`select time, substring(worker_id from '^.*-[0-9a-f]{8}') as worker, state from (
          select a.worker_id, v.time, v.state from dash.sweep_attempt a, lateral (values (a.assigned_at, a.kind), (a.ended_at, null)) v(time, state)
          where a.${OF} and coalesce(a.ended_at, now()) >= $__timeFrom() and a.assigned_at <= $__timeTo()) lanes
        where time is not null order by time limit 20000`)] }),
    table({ title: 'Failures by reason', means: 'SPEC and DATA are for who submitted it, CAPACITY for who runs the machines, INTERNAL for us.', unit: 'short', empty: 'No trial has failed', width: 16,
      queries: [sql(`select category, code, trials, example from dash.failure where ${OF} order by trials desc limit 50`)] }),
    stat({ title: 'Shared work saved', means: 'Machine time that equal stages did not cost, because they ran once or had been done before. The same figure as the report.', unit: 's', empty: 'No such sweep', width: 8, height: 9, text: true,
      queries: [sql(`select saved_seconds as "time saved", spent_seconds as "time spent", asked as "stages asked for", different as "different ones" from dash.sweep_sharing where ${OF}`)],
      overrides: [column('stages asked for', ['unit', 'short']), column('different ones', ['unit', 'short'])] }),
  ]);
