-- Where one method follows another, a trial has two recoveries. On the boards their curves lie end
-- to end: the steps of the second count on from the last of the first.

create view dash.recovery_start as
select ts.trial_id, ts.stage_id,
  coalesce((
    select sum(before.steps)
    from trial_stage earlier join lateral (
      select max(e.step) + 1 as steps from epoch_evaluated e
      where e.stage_id = earlier.stage_id) before on true
    where earlier.trial_id = ts.trial_id and earlier.position < ts.position), 0)::bigint
    as first_step
from trial_stage ts join stage g using (stage_id) where g.kind = 'FINETUNE';

create or replace view dash.epoch as
select ts.trial_id, e.stage_id, e.epoch, r.first_step + e.step as step,
  nullif(e.top1, 'NaN') as top1_accuracy, nullif(e.top5, 'NaN') as top5_accuracy,
  nullif(e.val_loss, 'NaN') as validation_loss, nullif(e.train_loss, 'NaN') as train_loss,
  e.recorded_at
from trial_stage ts join epoch_evaluated e using (stage_id)
join dash.recovery_start r using (trial_id, stage_id);

create or replace function dash.curve_points(trial text, curve text, points integer)
returns table (step bigint, value double precision, lowest double precision,
  highest double precision, measured_at timestamptz)
language sql stable as $$
  with wanted as (
    select r.first_step + c.step as step, nullif(c.value, 'NaN') as value, c.measured_at
    from dash.curve c join dash.recovery_start r using (trial_id, stage_id)
    where c.trial_id = $1 and c.name = $2 and c.kind = 'FINETUNE'),
  stretch as (select greatest(1, ceil((max(w.step) + 1)::numeric / greatest(1, $3)))::bigint as width
    from wanted w)
  select max(w.step), avg(w.value), min(w.value), max(w.value), max(w.measured_at)
  from wanted w, stretch s group by w.step / s.width order by 1
$$;

select dash.admit_reader();
