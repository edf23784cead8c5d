-- What Grafana reads: views in a schema of their own, and a role that can read nothing else. The
-- columns are a contract with dashboards/, held by tests; tables behind them may change.

create schema dash;

-- ---- sweeps ----

-- Names for the variable of the boards; touches no trial.
create view dash.sweep_name as
select sweep_id, name, team, state, run, accepted_at, ended_at,
  name || case when run > 0 then ' run ' || run else '' end || ' (' || left(sweep_id, 8) || ')'
    as label
from sweep;

-- Stages of each kind that a sweep needs, each counted once.
create view dash.sweep_stages as
select s.sweep_id, k.kind, k.place, c.total, c.waiting, c.running, c.done, c.failed, c.shared,
  c.reused
from sweep s
cross join unnest(array['PRETRAIN','SEARCH','PRUNE','REDISTRIBUTE','FINETUNE','EVALUATE'])
  with ordinality k(kind, place)
cross join lateral (
  select count(*) as total,
    count(*) filter (where g.state in ('WAITING', 'RUNNABLE')) as waiting,
    count(*) filter (where g.state = 'RUNNING') as running,
    count(*) filter (where g.state = 'SUCCEEDED') as done,
    count(*) filter (where g.state = 'FAILED') as failed,
    count(*) filter (where c.trials > 1) as shared,
    count(*) filter (where c.reused) as reused
  from (
    select distinct ts.stage_id from trial t join trial_stage ts using (trial_id)
    where t.sweep_id = s.sweep_id) needed
  join stage g using (stage_id)
  left join lateral (
    select count(*) as trials, bool_and(x.reused) filter (where x.sweep_id = s.sweep_id) as reused
    from stage_claim x where x.stage_id = g.stage_id) c on true
  where g.kind = k.kind) c
where c.total > 0;

-- What is left of each kind, at the pace measured so far, on the slots there are. Evaluations run
-- alone, so their time adds up. No row and null say: unknown.
create view dash.sweep_eta as
select s.sweep_id, e.eta_seconds
from sweep s
cross join lateral (
  select case
    when bool_or(r.seconds is null and r.kind <> 'REDISTRIBUTE') then null
    else sum(r.stages * coalesce(r.seconds, 1)
      / case when r.kind = 'EVALUATE' then 1 else greatest(1, r.slots) end) end as eta_seconds
  from (
    select w.kind, w.stages,
      coalesce(
        (select percentile_cont(0.5) within group (order by g.wall_seconds) from stage g
         where g.state = 'SUCCEEDED' and g.kind = w.kind and g.algorithm = w.algorithm and exists (
           select 1 from stage_claim c where c.stage_id = g.stage_id and c.sweep_id = s.sweep_id)),
        (select percentile_cont(0.5) within group (order by d.wall_seconds) from (
           select g.wall_seconds from stage g
           where g.state = 'SUCCEEDED' and g.kind = w.kind and g.algorithm = w.algorithm
           order by g.ended_at desc limit 50) d)) as seconds,
      (select coalesce(sum(v.slots), 0) from worker v where v.state = 'ACTIVE' and exists (
         select 1 from worker_capability c where c.worker_id = v.worker_id and c.kind = w.kind))
        as slots
    from (
      select g.kind, g.algorithm,
        sum(case when g.state = 'RUNNING' and l.total_steps > 0
          then greatest(0, 1 - l.step::double precision / l.total_steps) else 1 end) as stages
      from (
        select distinct ts.stage_id from trial t join trial_stage ts using (trial_id)
        where t.sweep_id = s.sweep_id and t.state in ('PLANNED', 'RUNNING')) needed
      join stage g using (stage_id) left join lease l using (stage_id)
      where g.state in ('WAITING', 'RUNNABLE', 'RUNNING')
      group by g.kind, g.algorithm) w) r) e
where s.ended_at is null;

create view dash.sweep as
select s.sweep_id, s.name, s.team, s.state, s.run, s.priority, s.requested_by, s.accepted_at,
  s.ended_at, extract(epoch from coalesce(s.ended_at, clock_timestamp()) - s.accepted_at)
    as age_seconds,
  s.cells, s.trials, s.trials - t.running - t.succeeded - t.failed - t.cancelled as planned,
  t.running, t.succeeded, t.failed, t.cancelled,
  case when s.trials = 0 then 1.0
    else (t.succeeded + t.failed + t.cancelled)::double precision / s.trials end as progress
from sweep s
cross join lateral (
  select count(*) filter (where t.state = 'RUNNING') as running,
    count(*) filter (where t.state = 'SUCCEEDED') as succeeded,
    count(*) filter (where t.state = 'FAILED') as failed,
    count(*) filter (where t.state = 'CANCELLED') as cancelled
  from trial t where t.sweep_id = s.sweep_id) t;

-- Work that sharing spared: a stage of n trials runs once, and not at all where it was done before.
create view dash.sweep_sharing as
select s.sweep_id, coalesce(sum(n.claimants), 0) as asked, count(n.stage_id) as different,
  count(*) filter (where n.reused) as reused,
  coalesce(sum(n.seconds) filter (where not n.reused), 0) as spent_seconds,
  coalesce(sum((n.claimants - case when n.reused then 0 else 1 end) * n.seconds), 0)
    as saved_seconds
from sweep s
left join lateral (
  select ts.stage_id, count(*) as claimants, coalesce(g.wall_seconds, 0) as seconds,
    coalesce((select bool_and(c.reused) from stage_claim c
      where c.stage_id = ts.stage_id and c.sweep_id = s.sweep_id), false) as reused
  from trial t join trial_stage ts using (trial_id) join stage g using (stage_id)
  where t.sweep_id = s.sweep_id group by ts.stage_id, g.wall_seconds) n on true
group by s.sweep_id;

-- ---- trials ----

-- One row a trial; figures are null until its evaluation is in. Accuracies and ratios in [0, 1].
create view dash.trial as
select t.trial_id, t.sweep_id, t.cell_id, t.method, t.redistribution,
  t.method || case when t.redistribution = 'none' then '' else ' + ' || t.redistribution end
    as policy,
  t.target_kind, t.keep_ratio, t.seed, t.state, t.planned_at, t.ended_at,
  t.method || case when t.redistribution = 'none' then '' else ' + ' || t.redistribution end
    || ' ' || t.target_kind || ' ' || t.keep_ratio || ' seed ' || t.seed as label,
  t.failed_stage_id, t.failure_category, t.failure_code, t.failure_message,
  nullif(m.top1_accuracy, 'NaN') as top1_accuracy, nullif(m.top5_accuracy, 'NaN') as top5_accuracy,
  nullif(m.top1_before_recovery, 'NaN') as top1_before_recovery,
  nullif(m.base_top1_accuracy, 'NaN') as base_top1_accuracy,
  m.params, m.macs, m.base_params, m.base_macs,
  m.params / nullif(m.base_params, 0) as params_kept, m.macs / nullif(m.base_macs, 0) as macs_kept,
  m.latency_p50_ms, m.latency_p95_ms, m.base_latency_p50_ms, m.throughput_images_per_s,
  m.base_throughput_images_per_s, m.speedup_throughput, m.model_bytes
from trial t
left join lateral (
  select
    max(x.value) filter (where x.name = 'top1_accuracy') as top1_accuracy,
    max(x.value) filter (where x.name = 'top5_accuracy') as top5_accuracy,
    max(x.value) filter (where x.name = 'top1_before_recovery') as top1_before_recovery,
    max(x.value) filter (where x.name = 'base_top1_accuracy') as base_top1_accuracy,
    max(x.value) filter (where x.name = 'params') as params,
    max(x.value) filter (where x.name = 'macs') as macs,
    max(x.value) filter (where x.name = 'base_params') as base_params,
    max(x.value) filter (where x.name = 'base_macs') as base_macs,
    max(x.value) filter (where x.name = 'latency_p50_ms') as latency_p50_ms,
    max(x.value) filter (where x.name = 'latency_p95_ms') as latency_p95_ms,
    max(x.value) filter (where x.name = 'base_latency_p50_ms') as base_latency_p50_ms,
    max(x.value) filter (where x.name = 'throughput_images_per_s') as throughput_images_per_s,
    max(x.value) filter (where x.name = 'base_throughput_images_per_s')
      as base_throughput_images_per_s,
    max(x.value) filter (where x.name = 'speedup_throughput') as speedup_throughput,
    max(x.value) filter (where x.name = 'model_bytes') as model_bytes
  from trial_measurement x where x.trial_id = t.trial_id) m on true;

-- One row a configuration, over its seeds, and one for the unpruned model (cell_id '').
create view dash.cell as
with cells as (
  select sweep_id, cell_id, policy, method, redistribution, target_kind, keep_ratio,
    count(*) as trials, count(top1_accuracy) as measured, avg(top1_accuracy) as top1_mean,
    min(top1_accuracy) as top1_lowest, max(top1_accuracy) as top1_highest, avg(macs) as macs,
    avg(params) as params, avg(latency_p50_ms) as latency_p50_ms,
    avg(throughput_images_per_s) as throughput_images_per_s
  from dash.trial
  group by sweep_id, cell_id, policy, method, redistribution, target_kind, keep_ratio
  union all
  select sweep_id, '', 'unpruned', 'unpruned', 'none', '', 1, 0, count(base_top1_accuracy),
    percentile_cont(0.5) within group (order by base_top1_accuracy), min(base_top1_accuracy),
    max(base_top1_accuracy), percentile_cont(0.5) within group (order by base_macs),
    percentile_cont(0.5) within group (order by base_params),
    percentile_cont(0.5) within group (order by base_latency_p50_ms),
    percentile_cont(0.5) within group (order by base_throughput_images_per_s)
  from dash.trial where base_top1_accuracy is not null group by sweep_id)
select c.*,
  -- On the front: the best at its cost, and better than all that is cheaper.
  c.top1_mean is not null and c.top1_mean = max(c.top1_mean) over (
    partition by c.sweep_id order by c.macs range unbounded preceding)
    and c.top1_mean > coalesce(max(c.top1_mean) over (
      partition by c.sweep_id order by c.macs groups between unbounded preceding and 1 preceding),
      '-infinity') as on_macs_front,
  c.top1_mean is not null and c.top1_mean = max(c.top1_mean) over (
    partition by c.sweep_id order by c.latency_p50_ms range unbounded preceding)
    and c.top1_mean > coalesce(max(c.top1_mean) over (
      partition by c.sweep_id order by c.latency_p50_ms
      groups between unbounded preceding and 1 preceding),
      '-infinity') as on_latency_front
from cells c;

create view dash.failure as
select sweep_id, failure_category as category, failure_code as code, count(*) as trials,
  min(failure_message) as example
from trial where state = 'FAILED' group by sweep_id, failure_category, failure_code;

-- ---- stages and attempts ----

-- The stages of a trial in the order in which it walks them.
create view dash.trial_stage as
select t.trial_id, t.sweep_id, ts.position, g.stage_id, g.kind, g.algorithm, g.state,
  g.generation, g.attempts, g.worker_losses, g.worker_id, g.host, g.device, g.runnable_at,
  g.started_at, g.ended_at, g.wall_seconds, g.checkpoint_step, l.step, l.total_steps,
  l.images_per_second, l.until as lease_until,
  coalesce(c.reused, false) as reused,
  (select count(*) from stage_claim x where x.stage_id = g.stage_id and x.sweep_id = t.sweep_id)
    as claimants,
  g.failure_category, g.failure_code, g.failure_message
from trial t
join trial_stage ts using (trial_id)
join stage g using (stage_id)
left join lease l using (stage_id)
left join stage_claim c on c.stage_id = g.stage_id and c.trial_id = t.trial_id;

create view dash.trial_attempt as
select ts.trial_id, g.kind, a.stage_id, a.generation, a.worker_id, a.host, a.device, a.assigned_at,
  a.started_at, a.ended_at,
  extract(epoch from coalesce(a.ended_at, clock_timestamp()) - a.assigned_at) as seconds,
  a.resumed_from_step, a.outcome, a.cause_category, a.cause_code, a.cause_message,
  l.until as lease_until
from trial_stage ts
join attempt a using (stage_id)
join stage g using (stage_id)
left join lease l on l.stage_id = a.stage_id and l.generation = a.generation;

-- Attempts at the stages of a sweep, each once: what the workers' lanes show.
create view dash.sweep_attempt as
select c.sweep_id, a.stage_id, a.generation, g.kind, g.algorithm, a.worker_id, w.service, a.host,
  a.assigned_at, a.ended_at, a.outcome, a.cause_code
from (select distinct sweep_id, stage_id from stage_claim) c
join attempt a using (stage_id)
join stage g using (stage_id)
left join worker w on w.worker_id = a.worker_id;

create view dash.event as
select 'trial' as source, t.trial_id, e.stream, e.version, e.type, e.occurred_at, e.recorded_at,
  e.published_at
from trial t join event e on e.stream = 'trial-' || t.trial_id
union all
select lower(g.kind), ts.trial_id, e.stream, e.version, e.type, e.occurred_at, e.recorded_at,
  e.published_at
from trial_stage ts join stage g using (stage_id) join event e on e.stream = 'stage-' || ts.stage_id;

-- ---- curves ----

-- Points of a trial's stages; a shared stage's points are those of each trial that walks it.
create view dash.curve as
select ts.trial_id, g.kind, p.stage_id, p.name, p.step, p.value, p.measured_at, p.generation
from trial_stage ts join stage g using (stage_id) join metric_point p using (stage_id);

-- A curve of a trial's recovery in about so many points: the mean of each stretch of steps.
create function dash.curve_points(trial text, curve text, points integer)
returns table (step bigint, value double precision, lowest double precision,
  highest double precision, measured_at timestamptz)
language sql stable as $$
  with wanted as (
    select c.step, nullif(c.value, 'NaN') as value, c.measured_at from dash.curve c
    where c.trial_id = $1 and c.name = $2 and c.kind = 'FINETUNE'),
  stretch as (select greatest(1, ceil((max(w.step) + 1)::numeric / greatest(1, $3)))::bigint as width
    from wanted w)
  select max(w.step), avg(w.value), min(w.value), max(w.value), max(w.measured_at)
  from wanted w, stretch s group by w.step / s.width order by 1
$$;

create view dash.epoch as
select ts.trial_id, e.stage_id, e.epoch, e.step, nullif(e.top1, 'NaN') as top1_accuracy,
  nullif(e.top5, 'NaN') as top5_accuracy, nullif(e.val_loss, 'NaN') as validation_loss,
  nullif(e.train_loss, 'NaN') as train_loss, e.recorded_at
from trial_stage ts join epoch_evaluated e using (stage_id);

-- Widths per block: of the base model, after pruning, after redistribution.
create view dash.block_width as
select t.trial_id, t.sweep_id, 0 as place, 'unpruned' as model, b.block - 1 as block,
  (b.shape->>'heads')::integer as heads, (b.shape->>'qkWidth')::integer as qk_width,
  (b.shape->>'vWidth')::integer as v_width, (b.shape->>'mlpHidden')::integer as mlp_width
from trial t
join sweep s using (sweep_id)
join lateral (
  select m.architecture from model m where m.sha256 = s.model_sha256 limit 1) m on true
cross join lateral jsonb_array_elements(m.architecture->'blocks') with ordinality b(shape, block)
union all
select ts.trial_id, t.sweep_id, case g.kind when 'PRUNE' then 1 else 2 end,
  case g.kind when 'PRUNE' then 'pruned' else 'redistributed' end, p.step,
  max(p.value) filter (where p.name = 'block_heads')::integer,
  max(p.value) filter (where p.name = 'block_qk_width')::integer,
  max(p.value) filter (where p.name = 'block_v_width')::integer,
  max(p.value) filter (where p.name = 'block_mlp_width')::integer
from trial t join trial_stage ts using (trial_id) join stage g using (stage_id)
join metric_point p using (stage_id)
where g.kind in ('PRUNE', 'REDISTRIBUTE') and p.name like 'block\_%'
group by ts.trial_id, t.sweep_id, g.kind, p.step;

-- ---- workers ----

create view dash.worker as
select w.worker_id, w.service, w.state, w.slots,
  (select count(*) from lease l where l.worker_id = w.worker_id) as busy, w.device_kind, w.device,
  w.host, w.software_version, w.engine_version, w.joined_at, w.heartbeat_at, w.ended_at,
  extract(epoch from clock_timestamp() - w.heartbeat_at) as heartbeat_age_seconds
from worker w;

-- ---- the role ----

-- Roles belong to the server, not to this database, and not everybody may make them: where it is
-- there it is taken as it is, where it cannot be made an administrator makes it (deploy/README.md)
-- and the grants below follow with "select dash.admit_reader()". It has no password until one is
-- given to it.
create function dash.admit_reader() returns text language plpgsql as $$
begin
  if not exists (select 1 from pg_roles where rolname = 'espalier_dash') then
    begin
      create role espalier_dash login nosuperuser nocreatedb nocreaterole noinherit
        connection limit 20;
    exception
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        return 'create role espalier_dash, then select dash.admit_reader()';
    end;
  end if;
  -- Not set on the role where one may not: then an administrator has done it.
  begin
    alter role espalier_dash set statement_timeout = '15s';
    alter role espalier_dash set default_transaction_read_only = on;
  exception
    -- Another database of this server may be at it too.
    when insufficient_privilege or internal_error then null;
  end;
  grant usage on schema dash to espalier_dash;
  grant select on all tables in schema dash to espalier_dash;
  grant execute on function dash.curve_points to espalier_dash;
  return 'espalier_dash reads schema dash';
end
$$;

revoke all on function dash.admit_reader from public;
revoke all on function dash.curve_points from public;

select dash.admit_reader();
