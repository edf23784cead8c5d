-- Deleted sweeps whose history is still to go.
create index event_sweep_deleted on event (recorded_at) where type = 'sweep_deleted';
