-- As in V80, but where a recovery starts is looked up once a stage, not once a point: over 2,000 steps
-- of eight trials that lookup took nearly all of the time.
create or replace function dash.curve_points(trial text, curve text, points integer)
returns table (step bigint, value double precision, lowest double precision,
  highest double precision, measured_at timestamptz)
language sql stable as $$
  with recovery as materialized (
    select r.stage_id, r.first_step from dash.recovery_start r where r.trial_id = $1),
  wanted as materialized (
    select r.first_step + c.step as step, nullif(c.value, 'NaN') as value, c.measured_at
    from recovery r join dash.curve c on c.trial_id = $1 and c.stage_id = r.stage_id
    where c.name = $2),
  stretch as (select greatest(1, ceil((max(w.step) + 1)::numeric / greatest(1, $3)))::bigint as width
    from wanted w)
  select max(w.step), avg(w.value), min(w.value), max(w.value), max(w.measured_at)
  from wanted w, stretch s group by w.step / s.width order by 1
$$;

select dash.admit_reader();
