-- Dead letters stay in their topic until retention takes them. Those that somebody has dealt with
-- stand here, so that they are not shown again.
create table dead_letter_settled (
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  -- REPLAYED or DISCARDED
  action text not null,
  settled_by text not null,
  settled_at timestamptz not null default clock_timestamp(),
  primary key (topic, partition, record_offset)
);
