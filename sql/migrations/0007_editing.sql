-- What an organization decides for itself, the edit of a message within its window, and devices that sign out.

-- No row: all as the installation says. Null likewise.
create table organization_settings (
  organization_id uuid primary key,
  edit_window int check (edit_window >= 0),  -- s; 0: nothing may be edited
  message_retention_days int check (message_retention_days >= 1),  -- null: messages are kept
  content_in_notifications boolean not null default false,
  updated_at timestamptz not null default now()
);

-- Sockets of the device up to this session are signed out; a later hello has a later session.
alter table devices add column signed_out_session bigint;


-- A sender says it otherwise. p_blank: nothing is left of the content after trimming, by the protocol's rule. p_window: how
-- long the installation lets a message be edited. code:
--   edited (users and positions: the events of both parties; belong: see mark_read)
--   unchanged (at: when it was edited to this content; no event, and no matter how long ago: a retry is harmless)
--   gone (deleted or erased) | bad_request (blank, and no attachments) | edit_window_over | or why not: see own_message
create function edit_message(
  p_id uuid, p_organization uuid, p_actor uuid, p_content text, p_blank boolean, p_window interval,
  out code text, out at timestamptz, out users uuid[], out positions bigint[], out belong boolean[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_message messages;
  v_window interval;
begin
  -- 1. may they, and the assignment
  select o.code into code from own_message(p_id, p_organization, p_actor) o;
  if code is not null then
    return;
  end if;

  -- 2. the message: what is decided from here on is decided on its newest state
  select m.* into v_message from messages m where m.id = p_id for no key update;
  code := case
    when v_message.id is null then 'not_found'   -- the row went away between the two looks
    when v_message.deleted_at is not null
      or exists (select from message_ledger l where l.message_id = p_id and l.erased_at is not null) then 'gone'
    when p_blank and not exists (select from message_attachments f where f.message_id = p_id) then 'bad_request'
    when v_message.edited_at is not null and v_message.content = p_content then 'unchanged' end;
  if code = 'unchanged' then
    at := v_message.edited_at;
  end if;
  if code is not null then
    return;
  end if;
  v_window := coalesce(
    (select make_interval(secs => s.edit_window) from organization_settings s where s.organization_id = p_organization), p_window);
  if v_window = interval '0' or clock_timestamp() >= v_message.created_at + v_window then
    code := 'edit_window_over';
    return;
  end if;
  code := 'edited';
  -- edited_at rises, whatever clocks do
  at := greatest(clock_timestamp(), coalesce(v_message.edited_at, v_message.created_at) + interval '1 microsecond');
  update messages m set content = p_content, edited_at = edit_message.at where m.id = p_id;

  -- 3. the streams, by user
  select t.users, t.positions, t.belong into users, positions, belong from tell_parties(v_message, 'message.edited', at) t;
end $$;
