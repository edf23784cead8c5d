-- A replay folds each stream apart from the others: nothing here may be summed up over streams, or
-- read from another stream's rows. Device-hours are summed where they are asked for.
drop table device_use;
create index attempt_by_sweep on attempt (sweep_id) include (assigned_at, ended_at);
create index attempt_by_team on attempt (team) include (assigned_at, ended_at);
-- StageClaimed says it from now on; what older events do not say is 0.
update stage set remaining = 0;
