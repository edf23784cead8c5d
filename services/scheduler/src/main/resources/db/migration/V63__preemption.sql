-- It was told to give its slot back after a checkpoint.
alter table lease add column yielding boolean not null default false;
