-- Messages are shown with their files.

-- One more column of the view: the files, in the order in which they were sent (of which their created_at tells, a µs apart), as
-- a JSON array of [id, type, mime_type, size, key, thumbnail_key]; null: none. What was deleted or erased has none, whatever rows are still there. One probe a message.
create or replace view shown_messages as
select
  m.id, m.organization_id, sm.id as sender_membership_id, person_name(su.first_name, su.last_name) as sender_name,
  m.sender_role::text, rm.id as recipient_membership_id, m.workout_assignment_id, m.content, m.created_at, m.read_at,
  m.edited_at, m.deleted_at, l.erased_at is not null as erased,
  m.read_at is not null or exists (
    select from devices d where d.user_id = m.recipient_id and d.acked_position >= l.recipient_position) as delivered,
  m.sender_id, m.recipient_id,
  case when m.deleted_at is null and l.erased_at is null then (
    select json_agg(json_build_array(f.id, f.type, f.mime_type, f.size, f.r2_key, f.thumbnail_r2_key) order by f.created_at, f.id)::text
    from message_attachments f
    where f.message_id = m.id) end as attachments
from messages m
left join message_ledger l on l.message_id = m.id
left join users su on su.id = m.sender_id
left join memberships sm on sm.user_id = m.sender_id and sm.organization_id = m.organization_id
left join memberships rm on rm.user_id = m.recipient_id and rm.organization_id = m.organization_id;


-- One message as this person sees it; to nobody (null) nothing is shown that is for the sender's eyes only. No row: no such
-- message. Its columns are those of `shown.MessageRow`; every reading statement takes them from here as `w.*`. Rights are
-- for whoever calls. (Stable and without settings, it becomes part of the statement that calls it.)
create function shown_to(p_message uuid, p_viewer uuid)
returns table (
  id uuid, organization_id uuid, sender_membership_id uuid, sender_name text, sender_role text, recipient_membership_id uuid,
  workout_assignment_id uuid, content text, created_at timestamptz, read_at timestamptz, edited_at timestamptz,
  deleted_at timestamptz, erased boolean, delivered boolean, attachments text)
language sql stable as $$
  select
    w.id, w.organization_id, w.sender_membership_id, w.sender_name, w.sender_role, w.recipient_membership_id,
    w.workout_assignment_id, w.content, w.created_at, w.read_at, w.edited_at,
    w.deleted_at, w.erased, case when w.sender_id = p_viewer then w.delivered end, w.attachments
  from shown_messages w
  where w.id = p_message
$$;


-- Whether somebody may see a message: its parties, and staff what stands in a thread; not what is kept from them (see
-- kept_from, migration 0005). That they belong to the organization, and as what, the caller has looked up. (Becomes part of
-- the statement that calls it.)
create function may_see(p_viewer uuid, p_staff boolean, p_sender uuid, p_recipient uuid, p_assignment uuid) returns boolean
  language sql stable
  return (p_viewer in (p_sender, p_recipient) or (p_staff and p_assignment is not null))
    and (p_assignment is null or not kept_from(p_viewer, p_assignment));
