-- Who is charged for an attempt: fixed when it was assigned, whoever claims the stage later.
alter table attempt add column team text, add column sweep_id text;
update attempt a set team = g.team,
  sweep_id = coalesce(g.sweep_id, (
    select c.sweep_id from stage_claim c where c.stage_id = g.stage_id
    order by c.claimed_at, c.trial_id limit 1))
from stage g where g.stage_id = a.stage_id;
create index attempt_by_end on attempt (ended_at);

-- Stages left of the longest walk that the stage stands in, itself included.
alter table stage add column remaining integer not null default 0;
update stage g set remaining = coalesce((
  select max((select count(*) from trial_stage later
    where later.trial_id = this.trial_id and later.position >= this.position))
  from trial_stage this where this.stage_id = g.stage_id), 0);
