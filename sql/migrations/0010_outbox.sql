-- Notifications for who is away: written in the transaction of what they tell, posted later by workers.

create type outbox_kind as enum ('message', 'read', 'mention', 'person.erased');
create type outbox_state as enum ('waiting', 'sent', 'dropped', 'dead');

create table outbox (
  id bigint generated always as identity primary key,
  kind outbox_kind not null,
  user_id uuid not null,  -- who is told
  organization_id uuid,
  subject_id uuid not null,  -- the message or comment; of the other kinds the user
  position bigint,  -- of the event in this user's stream: a foreground device that acked it needs no notification
  state outbox_state not null default 'waiting',
  attempts int not null default 0,
  due_at timestamptz not null,
  made_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index outbox_due_idx on outbox (due_at, id) where state = 'waiting';
create index outbox_subject_idx on outbox (subject_id, user_id);
