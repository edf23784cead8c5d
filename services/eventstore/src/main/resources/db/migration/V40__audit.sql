-- Who asked for each event. Null in rows from before, whose payload still says it.
alter table event add column requested_by text, add column team text;

create index event_by_requester on event (requested_by, id) where requested_by is not null;

-- Every decision with who asked for it and which event or request led to it, for auditors.
create view audit as
  select id, occurred_at, recorded_at, requested_by, team, type, stream, version, event_id
  from event
  where stream not like 'outbox/%';
