-- Files on their way into messages. An upload's id stays the attachment's; `ready` ones attach, once, by their owner.

create type upload_state as enum ('waiting', 'processing', 'ready', 'refused');

create table uploads (
  id uuid primary key,
  organization_id uuid not null,
  user_id uuid not null,
  type attachment_type not null,
  mime_type text not null,  -- as asked for; read back at completion
  size int not null,  -- bytes; of the cleaned object once it is ready
  state upload_state not null default 'waiting',
  reason text,  -- why it was refused
  upload_key text not null,  -- where the owner puts the bytes
  key text,  -- of the cleaned object
  thumbnail_key text,
  etag text,  -- of what was checked
  created_at timestamptz not null default now(),
  claimed_at timestamptz,
  message_id uuid  -- whose attachment it became
);
create index uploads_unclaimed_idx on uploads (created_at) where message_id is null;
create index uploads_message_idx on uploads (message_id) where message_id is not null;
