-- What takes longer than a request: a job's place stands in the database and moves in the transaction of its work, so whoever
-- dies over it, the next one goes on from there.

create type job_kind as enum ('erasure', 'export', 'retention');
create type job_state as enum ('running', 'done', 'failed');

create table jobs (
  id uuid primary key default gen_random_uuid(),
  kind job_kind not null,
  user_id uuid,  -- whom it is about
  organization_id uuid,  -- null: everywhere
  actor_id uuid,  -- who asked; null: the operator, or the installation itself
  state job_state not null default 'running',
  stage text not null,
  cursor_at timestamptz,  -- how far the stage has come
  cursor_id uuid,
  before timestamptz,  -- of a retention: what is older goes
  counts jsonb not null default '{}',  -- the report
  reason text,  -- why it failed
  created_at timestamptz not null default clock_timestamp(),
  moved_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index jobs_running_idx on jobs (created_at) where state = 'running';
create index jobs_actor_idx on jobs (actor_id, created_at);
create unique index jobs_erasure_idx on jobs (user_id, organization_id) nulls not distinct
  where kind = 'erasure' and state = 'running';

-- Whom a job will tell, once, when its other work is done.
create table job_people (
  job_id uuid not null,
  user_id uuid not null,
  primary key (job_id, user_id)
);

-- Adds to the report; a job's own row, which its step has locked.
create function count_job(p_job uuid, p_name text, p_count bigint) returns void
language sql volatile as $$
  update jobs
  set counts = counts || jsonb_build_object(p_name, coalesce((counts ->> p_name)::bigint, 0) + p_count)
  where id = p_job and p_count > 0
$$;
