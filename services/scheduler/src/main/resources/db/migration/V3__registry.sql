-- What sweeps may name: a name stands for the digest it had when a sweep was accepted.

create table model (
  name text primary key,
  sha256 text not null,
  size_bytes bigint not null,
  -- dev.espalier.architecture.vit.VitArchitecture
  architecture jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);

create table dataset (
  name text primary key,
  sha256 text not null,
  size_bytes bigint not null,
  -- Image size, channels, classes, images per split.
  summary jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);

-- Training curves: telemetry that no decision reads. The point of the highest generation stands.
create table metric_point (
  stage_id text not null,
  name text not null,
  step bigint not null,
  generation bigint not null,
  value double precision not null,
  measured_at timestamptz not null,
  sweep_id text not null,
  trial_id text not null,
  primary key (stage_id, name, step)
);
create index metric_point_by_sweep on metric_point (sweep_id, name);
