-- Tables derived from events, written in the transaction that appends them. Only worker, lease and
-- lease_progress hold what no event says: who is alive, and how far running work is.

create table sweep (
  sweep_id text primary key,
  team text not null,
  name text not null,
  -- ACCEPTED (still planning), RUNNING, PAUSED, COMPLETED, CANCELLED
  state text not null,
  run integer not null,
  priority integer not null default 0,
  canonical_spec_json text not null,
  model_sha256 text not null,
  dataset_sha256 text not null,
  cells integer not null,
  trials integer not null,
  planned integer not null default 0,
  succeeded integer not null default 0,
  failed integer not null default 0,
  cancelled integer not null default 0,
  requested_by text not null default '',
  accepted_at timestamptz not null,
  ended_at timestamptz,
  cancel_reason text
);
create index sweep_by_acceptance on sweep (accepted_at desc);

create table trial (
  trial_id text primary key,
  sweep_id text not null,
  cell_id text not null,
  method text not null,
  redistribution text not null,
  -- macs or params
  target_kind text not null,
  keep_ratio double precision not null,
  seed bigint not null,
  priority integer not null,
  -- PLANNED (no stage of it has succeeded), RUNNING, SUCCEEDED, FAILED, CANCELLED
  state text not null,
  failed_stage_id text,
  failure_category text,
  failure_code text,
  failure_message text,
  planned_at timestamptz not null,
  ended_at timestamptz
);
create index trial_by_sweep on trial (sweep_id, trial_id);

-- The stages of a trial in the order in which it walks them.
create table trial_stage (
  trial_id text not null,
  position integer not null,
  stage_id text not null,
  -- When the trial learned of its success.
  succeeded_at timestamptz,
  primary key (trial_id, position)
);
create index trial_stage_by_stage on trial_stage (stage_id);

-- What the last stage of a succeeded trial measured.
create table trial_measurement (
  trial_id text not null,
  name text not null,
  value double precision not null,
  primary key (trial_id, name)
);

create table stage (
  stage_id text primary key,
  -- SEARCH, PRUNE, REDISTRIBUTE, FINETUNE, EVALUATE, PRETRAIN
  kind text not null,
  algorithm text not null,
  algorithm_version integer not null,
  device_kind text not null,
  seed bigint not null,
  team text not null,
  -- espalier.stage.v1.StageSpec
  spec bytea not null,
  -- WAITING (inputs missing), RUNNABLE, RUNNING, SUCCEEDED, FAILED, CANCELLED
  state text not null,
  -- All claimants are paused.
  held boolean not null default false,
  -- Of its live claimants: the oldest, who is charged, and the best priority.
  sweep_id text,
  trial_id text,
  priority integer not null default 0,
  retry_at timestamptz,
  -- Attempts that count towards the limit, and workers lost, since it was last requested.
  attempts integer not null default 0,
  worker_losses integer not null default 0,
  generation bigint not null default 0,
  checkpoint bytea,
  checkpoint_step bigint not null default 0,
  requested_at timestamptz not null,
  runnable_at timestamptz,
  -- Of the attempt that is running or that ended it.
  worker_id text,
  device text,
  host text,
  started_at timestamptz,
  ended_at timestamptz,
  wall_seconds double precision,
  failure_category text,
  failure_code text,
  failure_message text
);
create index stage_runnable on stage (sweep_id, runnable_at) where state = 'RUNNABLE';
create index stage_running on stage (stage_id) where state = 'RUNNING';

create table stage_claim (
  stage_id text not null,
  trial_id text not null,
  sweep_id text not null,
  priority integer not null,
  claimed_at timestamptz not null,
  -- The stage had succeeded before this claim.
  reused boolean not null default false,
  -- False once the trial has left, or the stage failed or was cancelled.
  live boolean not null default true,
  primary key (stage_id, trial_id)
);
create index stage_claim_by_sweep on stage_claim (sweep_id, stage_id);
create index stage_claim_by_trial on stage_claim (trial_id);

create table stage_input (
  stage_id text not null,
  role text not null,
  input_stage_id text not null,
  output text not null,
  primary key (stage_id, role)
);
create index stage_input_by_input on stage_input (input_stage_id);

create table stage_output (
  stage_id text not null,
  name text not null,
  sha256 text not null,
  size_bytes bigint not null,
  media_type text not null,
  primary key (stage_id, name)
);

create table measurement (
  stage_id text not null,
  name text not null,
  value double precision not null,
  primary key (stage_id, name)
);

-- One try at a stage.
create table attempt (
  stage_id text not null,
  generation bigint not null,
  worker_id text not null,
  lease_id uuid not null,
  device text not null,
  host text,
  assigned_at timestamptz not null,
  started_at timestamptz,
  resumed_from_step bigint,
  ended_at timestamptz,
  -- RUNNING, SUCCEEDED, ENDED (see cause), CANCELLED
  outcome text not null,
  cause_category text,
  cause_code text,
  cause_message text,
  primary key (stage_id, generation)
);

create table epoch_evaluated (
  stage_id text not null,
  generation bigint not null,
  epoch integer not null,
  step bigint not null,
  top1 double precision not null,
  top5 double precision not null,
  val_loss double precision not null,
  train_loss double precision not null,
  recorded_at timestamptz not null,
  -- Epochs of an earlier attempt beyond its last checkpoint are done again: the last one stands.
  primary key (stage_id, epoch)
);

create table stale_report (
  report_event_id text primary key,
  stage_id text not null,
  worker_id text not null,
  generation bigint not null,
  current_generation bigint not null,
  report_type text not null,
  recorded_at timestamptz not null
);

-- Who may work on what, until when. A row lives as long as the attempt.
create table lease (
  stage_id text primary key,
  lease_id uuid not null unique,
  generation bigint not null,
  worker_id text not null,
  sweep_id text not null,
  trial_id text not null,
  -- Nothing else may run on its host.
  alone boolean not null,
  assigned_at timestamptz not null,
  until timestamptz not null,
  -- As the worker's heartbeats count it, and when it last grew.
  progress bigint not null default 0,
  progress_at timestamptz not null,
  step bigint,
  total_steps bigint,
  images_per_second double precision
);
create index lease_by_worker on lease (worker_id);

create table worker (
  worker_id text primary key,
  -- Partition of worker.events.v1 that carries its heartbeats: who owns it may declare it lost.
  partition integer not null,
  service text not null,
  -- ACTIVE, DRAINING, LEFT, LOST
  state text not null,
  slots integer not null,
  device_kind text not null,
  device text not null,
  host text not null,
  engine_version text not null,
  software_version text not null,
  labels jsonb not null default '{}',
  joined_at timestamptz not null,
  heartbeat_at timestamptz not null,
  ended_at timestamptz
);
create index worker_alive on worker (worker_id) where state in ('ACTIVE', 'DRAINING');

create table worker_capability (
  worker_id text not null references worker on delete cascade,
  kind text not null,
  algorithm text not null,
  algorithm_version integer not null,
  primary key (worker_id, kind, algorithm, algorithm_version)
);
