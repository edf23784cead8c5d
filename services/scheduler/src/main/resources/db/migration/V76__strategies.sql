-- grid, random, asha, bisection; and whether its decisions need the epochs of running trials.
alter table sweep add column strategy text not null default 'grid',
  add column watches_epochs boolean not null default false,
  -- Trials that strategy or stopping rule ended.
  add column stopped integer not null default 0;

-- At the end of its rung: its stages wait until its cell is promoted. The rung counts from 0.
alter table trial add column waits boolean not null default false,
  add column rung integer not null default 0,
  add column stop_rule text, add column stop_epoch integer, add column stop_reason text;

-- As in V30, and trials that were stopped count as done; a bisection that is over took what it took.
create or replace view dash.sweep as
select s.sweep_id, s.name, s.team, s.state, s.run, s.priority, s.requested_by, s.accepted_at,
  s.ended_at, extract(epoch from coalesce(s.ended_at, clock_timestamp()) - s.accepted_at)
    as age_seconds,
  s.cells, s.trials,
  case when s.strategy = 'bisection' and s.ended_at is not null then 0
    else s.trials - t.running - t.succeeded - t.failed - t.cancelled - t.stopped end as planned,
  t.running, t.succeeded, t.failed, t.cancelled,
  case when s.trials = 0 or s.strategy = 'bisection' and s.state = 'COMPLETED' then 1.0
    else (t.succeeded + t.failed + t.cancelled + t.stopped)::double precision / s.trials end
    as progress,
  t.stopped
from sweep s
cross join lateral (
  select count(*) filter (where t.state = 'RUNNING') as running,
    count(*) filter (where t.state = 'SUCCEEDED') as succeeded,
    count(*) filter (where t.state = 'FAILED') as failed,
    count(*) filter (where t.state = 'CANCELLED') as cancelled,
    count(*) filter (where t.state = 'STOPPED') as stopped
  from trial t where t.sweep_id = s.sweep_id) t;
