-- Files on their way into messages, and keys of objects that are to go. An upload's id stays the attachment's; `ready` ones
-- attach, once, by their owner. Unclaimed after 900 s they are gone for everybody, whether their row is still there or not.

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
  key text not null,  -- where the cleaned object goes
  thumbnail_key text,  -- likewise; null where there is none in the end
  etag text,  -- of what was checked: nothing else is processed
  attempts int not null default 0,  -- at processing
  taken_until timestamptz,  -- whoever processes it has until then; null: nobody does
  created_at timestamptz not null default now(),
  claimed_at timestamptz,
  message_id uuid  -- whose attachment it became
);
create index uploads_unclaimed_idx on uploads (created_at) where message_id is null;
create index uploads_user_idx on uploads (user_id) where message_id is null;
create index uploads_processing_idx on uploads (created_at) where state = 'processing';
create index uploads_message_idx on uploads (message_id) where message_id is not null;

-- Objects that nothing refers to any more. Noted in the transaction that lets go of them, deleted after it.
create table blob_garbage (
  key text primary key,
  due_at timestamptz not null,
  attempts int not null default 0
);
create index blob_garbage_due_idx on blob_garbage (due_at);


-- A place for an upload, or why there is none: `forbidden`, or `rate_limited` with the time when one will be free. Two
-- requests of a person are counted one after the other.
create function begin_upload(
  p_id uuid, p_organization uuid, p_user uuid, p_type attachment_type, p_mime_type text, p_size int,
  p_upload_key text, p_key text, p_thumbnail_key text, p_most int,
  out code text, out free_at timestamptz)
language plpgsql volatile as $$
begin
  perform from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = p_user and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null;
  if not found then
    code := 'forbidden';
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('coachwire.upload.' || p_user, 0));
  select u.created_at + interval '900 seconds' into free_at
  from uploads u
  where u.user_id = p_user and u.message_id is null and u.created_at > now() - interval '900 seconds'
  order by u.created_at desc
  offset p_most - 1
  limit 1;
  if found then
    code := 'rate_limited';
    return;
  end if;
  insert into uploads (id, organization_id, user_id, type, mime_type, size, upload_key, key, thumbnail_key)
  values (p_id, p_organization, p_user, p_type, p_mime_type, p_size, p_upload_key, p_key, p_thumbnail_key);
  code := 'begun';
end $$;


-- Keys of rows that go, however they go: cascades of the platform's, retention, erasure, and our own.
create function note_garbage_of_attachments() returns trigger
language plpgsql volatile security definer
set enable_nestloop = off
as $$
begin
  insert into blob_garbage (key, due_at)
  select g.key, now()
  from changed c
  cross join lateral (values (c.r2_key), (c.thumbnail_r2_key)) g (key)
  where g.key is not null
  order by g.key
  on conflict do nothing;
  delete from uploads u using changed c where u.id = c.id and u.message_id is not null;  -- claimed: nobody else locks it
  return null;
end $$;

-- A link to put lives 600 s: what it brings after this is deleted then. Whoever is processing may write a little longer. What
-- became an attachment has a row of its own.
create function note_garbage_of_uploads() returns trigger
language plpgsql volatile security definer
as $$
begin
  insert into blob_garbage (key, due_at)
  select g.key, g.due_at
  from (
    select c.*, case when c.state = 'processing' then now() + interval '300 seconds' else now() end as written from changed c) c
  cross join lateral (values
    (c.upload_key, greatest(now(), c.created_at + interval '660 seconds')),
    (case when c.message_id is null then c.key end, c.written),
    (case when c.message_id is null then c.thumbnail_key end, c.written)) g (key, due_at)
  where g.key is not null
  order by g.key
  on conflict do nothing;
  return null;
end $$;

create trigger coachwire_deleted after delete on message_attachments
  referencing old table as changed for each statement execute function note_garbage_of_attachments();
create trigger coachwire_deleted after delete on uploads
  referencing old table as changed for each statement execute function note_garbage_of_uploads();


-- A message taken back keeps its row, and loses its files. For each row: receipts and edits, which name other columns, pay
-- nothing for it.
create function note_taken_back() returns trigger
language plpgsql volatile security definer
as $$
begin
  insert into blob_garbage (key, due_at)
  select g.key, now()
  from message_attachments f
  cross join lateral (values (f.r2_key), (f.thumbnail_r2_key)) g (key)
  where f.message_id = new.id and g.key is not null
  order by g.key
  on conflict do nothing;
  return null;
end $$;

create trigger coachwire_taken_back after update of deleted_at on messages
  for each row when (old.deleted_at is null and new.deleted_at is not null) execute function note_taken_back();


do $$
declare
  name text;
begin
  foreach name in array array['note_garbage_of_attachments()', 'note_garbage_of_uploads()', 'note_taken_back()'] loop
    execute format('alter function %s set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;
