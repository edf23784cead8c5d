-- The event table is the log and the outbox at once.
create table event (
  stream text not null,
  version bigint not null check (version >= 1),
  -- Order in which the relay publishes. Taken before commit, so never a cursor.
  id bigint generated always as identity,
  event_id uuid not null unique,
  type text not null,
  payload bytea not null,
  topic text not null,
  key text not null,
  -- Null leaves the partition to the key.
  partition integer,
  traceparent text,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  published_at timestamptz,
  primary key (stream, version)
);

create unique index event_id_order on event (id);
create index event_unpublished on event (id) where published_at is null;

-- Events that a consumer has handled, by day of arrival so that old days can be dropped whole.
create table inbox (
  day date not null,
  consumer text not null,
  event_id uuid not null,
  payload_sha256 bytea not null,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (consumer, event_id, day)
) partition by range (day);

-- Catches rows of days without a partition of their own, so that inserting never fails.
create table inbox_default partition of inbox default;

-- How far a consumer has handled a published stream.
create table seen_version (
  consumer text not null,
  stream text not null,
  version bigint not null,
  primary key (consumer, stream)
);
