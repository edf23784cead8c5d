-- What an autoscaler asks for: stages that a worker could take now or works on, by kind. Its user is
-- the boards' reader, so the view stands with theirs.
create view dash.queue as
select kind,
  count(*) filter (where state = 'RUNNABLE' and not held and sweep_id is not null
    and (retry_at is null or retry_at <= clock_timestamp())) as runnable,
  count(*) filter (where state = 'RUNNING') as running
from stage
where state in ('RUNNABLE', 'RUNNING')
group by kind;

select dash.admit_reader();
