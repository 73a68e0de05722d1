-- Streams, and what else the server keeps beside the platform's tables. No foreign keys to what may be deleted:
-- these rows outlive it, that is what they are for.

-- One row a message, written with it and never removed: it holds the id for ever (a send happens once), gives a
-- pair's history, and carries what the message's row has no column for.
create table message_ledger (
  message_id uuid primary key,
  organization_id uuid not null,
  sender_id uuid not null,
  low_user_id uuid not null,  -- the pair, ordered
  high_user_id uuid not null,
  workout_assignment_id uuid,
  created_at timestamptz not null,
  payload_hash bytea,  -- SHA-256 of what was asked; null: older than Coachwire, or erased
  sender_position bigint,  -- in the sender's stream; null: older than Coachwire
  recipient_position bigint,
  erased_at timestamptz,
  constraint message_ledger_pair_chk check (low_user_id <= high_user_id)
);
-- Read backwards, keyset (created_at, message_id).
create index message_ledger_pair_idx on message_ledger (low_user_id, high_user_id, organization_id, created_at, message_id)
  where workout_assignment_id is null;

-- Who has talked to whom directly: inserted once a pair, never updated by a send.
create table conversations (
  organization_id uuid not null,
  low_user_id uuid not null,
  high_user_id uuid not null,
  first_message_at timestamptz not null,
  primary key (low_user_id, high_user_id, organization_id),
  constraint conversations_pair_chk check (low_user_id <= high_user_id)
);
create index conversations_high_user_idx on conversations (high_user_id);

-- The head of each user's stream, and their rate window. Its row lock makes a user's writes serial, so positions
-- are dense and rise with commit. Half of each page stays free: updates remain HOT.
create table user_streams (
  user_id uuid primary key,
  position bigint not null default 0,
  last_at timestamptz,  -- created_at of the newest message: the next one is later, whatever clocks do
  window_started timestamptz,
  window_count int not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- The kinds that travel on streams and topics; `skipped` is a position without an event.
create type event_kind as enum (
  'message.created', 'message.edited', 'message.deleted', 'message.erased', 'message.read',
  'history.trimmed',
  'comment.created', 'comment.edited', 'comment.deleted', 'comment.erased', 'comment.mentioned',
  'metric.recorded', 'metric.erased',
  'membership.changed', 'membership.ended',
  'assignment.published', 'assignment.removed',
  'skipped'
);

-- The streams: references, never bodies, joined with their subjects when read. Partitions are weeks (UTC, from
-- Monday). No default partition: it would forbid `detach concurrently`.
create table stream_events (
  user_id uuid not null,
  position bigint not null,
  kind event_kind not null,
  subject_ids uuid[] not null,
  facts jsonb,  -- times and flags only
  organization_id uuid,
  at timestamptz not null,
  primary key (user_id, position, at)
) partition by range (at);

-- Makes the partition of the week that holds this moment; false when it is there already.
create function make_stream_partition(moment timestamptz) returns boolean
language plpgsql volatile as $$
declare
  monday timestamp := date_trunc('week', moment at time zone 'UTC');
  name text := 'stream_events_' || to_char(monday, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtextextended('coachwire.partitions', 0));  -- two servers start at once
  if to_regclass(name) is not null then
    return false;
  end if;
  execute format('create table %I partition of stream_events for values from (%L) to (%L)',
    name, monday at time zone 'UTC', (monday + interval '7 days') at time zone 'UTC');
  return true;
end $$;

-- Makes what is missing of this week's partition and those of the coming weeks; says how many it made.
create function make_stream_partitions(weeks int default 4) returns int
language plpgsql volatile as $$
declare
  made int := 0;
begin
  for week in 0 .. weeks loop
    if make_stream_partition(now() + week * interval '7 days') then
      made := made + 1;
    end if;
  end loop;
  return made;
end $$;

select make_stream_partitions();

-- The life of all positions: one row. Another epoch tells every client to forget its position.
create table stream_epoch (
  single boolean primary key default true check (single),
  epoch text not null check (length(epoch) between 1 and 16),
  made_at timestamptz not null default now()
);

create function make_epoch() returns text
language sql volatile as $$ select 'k' || substr(md5(gen_random_uuid()::text), 1, 9) $$;

insert into stream_epoch (epoch) values (make_epoch());

-- What the platform changed under us, put down by triggers and told later, from the state found then: a row says
-- what changed, not how, so doubled or swapped rows do no harm.
create type pending_kind as enum (
  'messages', 'comments', 'assignments', 'memberships', 'users', 'organizations'
);
create table stream_pending (
  id bigint generated always as identity primary key,
  kind pending_kind not null,
  user_ids uuid[] not null default '{}',
  subject_ids uuid[] not null default '{}',
  organization_id uuid,
  at timestamptz not null default now()
);

-- A user's installations and browser tabs: who is the newest socket, who signed out, what has arrived.
create table devices (
  user_id uuid not null,
  device_id uuid not null,
  session bigint not null default 0,  -- a hello takes the next one; older sockets of the device are closed
  signed_out_at timestamptz,  -- until a token with a later `iat`
  acked_position bigint not null default 0,
  seen_at timestamptz not null default now(),
  platform text,
  language text,
  primary key (user_id, device_id)
) with (fillfactor = 50);

-- Who and what was there before Coachwire.
insert into user_streams (user_id, last_at)
select id, now() from users;

insert into message_ledger (message_id, organization_id, sender_id, low_user_id, high_user_id, workout_assignment_id, created_at)
select id, organization_id, sender_id, least(sender_id, recipient_id), greatest(sender_id, recipient_id),
  workout_assignment_id, created_at
from messages;

insert into conversations (organization_id, low_user_id, high_user_id, first_message_at)
select organization_id, least(sender_id, recipient_id), greatest(sender_id, recipient_id), min(created_at)
from messages
where workout_assignment_id is null
group by 1, 2, 3;
