-- Messages, their attachments, comments on exercises: the columns, types, constraints and index names of the
-- platform's data model, and nothing more. What the server needs beyond them stands in 0004_streams.sql.

create type sender_role as enum ('coach', 'member', 'admin');
create type attachment_type as enum ('image', 'video');

-- Direct messages, and the talk under an assigned workout. Rows of a thread go with their assignment.
create table messages (
  id uuid primary key,
  organization_id uuid not null references organizations (id),
  sender_id uuid not null references users (id),
  sender_role sender_role not null,  -- the role at the time of sending: a later change rewrites no history
  recipient_id uuid not null references users (id),
  workout_assignment_id uuid references workout_assignments (id) on delete cascade,  -- null: a direct message
  content text,  -- null: attachments only, or erased
  created_at timestamptz not null default now(),
  read_at timestamptz,
  edited_at timestamptz,
  deleted_at timestamptz
);
create index messages_org_created_idx on messages (organization_id, created_at);
create index messages_recipient_created_idx on messages (recipient_id, created_at);
create index messages_sender_created_idx on messages (sender_id, created_at);
create index messages_recipient_read_at_idx on messages (recipient_id, read_at);
create index messages_workout_assignment_idx on messages (workout_assignment_id, created_at);

-- Receipts update an indexed column, so each leaves a dead row: the default of a fifth would be far too late.
alter table messages set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- Pictures and videos of a message; the bytes lie in the blob store.
create table message_attachments (
  id uuid primary key,
  message_id uuid not null references messages (id) on delete cascade,
  type attachment_type not null,
  r2_key text not null,
  size int not null,
  mime_type text not null,
  thumbnail_r2_key text,
  created_at timestamptz not null default now()
);
create index message_attachments_message_idx on message_attachments (message_id);

-- Comments on one exercise; their organization is that of movement → workout.
create table exercise_comments (
  id uuid primary key,
  workout_movement_id uuid not null references workout_movements (id) on delete cascade,
  author_id uuid not null references users (id),
  body text not null,
  parent_comment_id uuid references exercise_comments (id),
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  deleted_at timestamptz
);
