-- Files of the store that nothing referred to when the collector last looked. One goes a grace after
-- it was first found so; a reference, or a touch, clears its row.
create table artifact_tombstone (
  sha256 text primary key,
  found_at timestamptz not null,
  seen_at timestamptz not null
);
