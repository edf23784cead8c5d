-- grid, random, asha, bisection; and whether its decisions need the epochs of running trials.
alter table sweep add column strategy text not null default 'grid',
  add column watches_epochs boolean not null default false,
  -- Trials that strategy or stopping rule ended.
  add column stopped integer not null default 0;

-- At the end of its rung: its stages wait until its cell is promoted. The rung counts from 0.
alter table trial add column waits boolean not null default false,
  add column rung integer not null default 0,
  add column stop_rule text, add column stop_epoch integer, add column stop_reason text;
