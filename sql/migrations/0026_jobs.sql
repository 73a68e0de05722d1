-- A job whose step could not be taken waits, longer each time, and the others of its kind go on meanwhile; one that comes on is
-- due again behind the others after a turn of some steps.
alter table jobs
  add column attempts int not null default 0,  -- in a row that came to nothing
  add column due_at timestamptz not null default clock_timestamp();  -- not before
create index jobs_due_idx on jobs (kind, due_at) where state = 'running';
drop index jobs_running_idx;
