-- Its stages wait until it is resumed. Of a trial that has not ended; its sweep may be paused besides.
alter table trial add column paused boolean not null default false;
