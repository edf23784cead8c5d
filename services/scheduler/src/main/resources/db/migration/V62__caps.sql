-- Null without a cap. A sweep that has reached it is in state CAPPED until what runs has ended.
alter table sweep add column device_hours_cap double precision;

-- Slot time of the attempts that have ended, by the sweep that was charged when they began. Apart
-- from sweep, so that a stage that ends waits for nobody who decides about the sweep.
create table device_use (
  sweep_id text primary key,
  team text not null,
  seconds double precision not null
);
create index device_use_by_team on device_use (team);
insert into device_use (sweep_id, team, seconds)
select sweep_id, min(team), sum(extract(epoch from ended_at - assigned_at)) from attempt
where ended_at is not null and sweep_id is not null group by sweep_id;
