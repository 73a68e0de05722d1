-- Who they are, with their memberships and devices: one line of JSON. No row: no such person.
select jsonb_build_object(
  'userId', u.id, 'email', u.email, 'firstName', u.first_name, 'lastName', u.last_name, 'phone', u.phone,
  'imageUrl', u.image_url, 'createdAt', u.created_at,
  'memberships', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'membershipId', m.id, 'organizationId', m.organization_id, 'organization', o.name, 'role', m.role, 'status', m.status,
      'joinedAt', m.joined_at, 'endDate', m.end_date) order by m.created_at, m.id), '[]')
    from memberships m join organizations o on o.id = m.organization_id
    where m.user_id = u.id),
  'devices', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'device', d.device_id, 'platform', d.platform, 'language', d.language, 'seenAt', d.seen_at) order by d.seen_at), '[]')
    from devices d where d.user_id = u.id))::text
from users u
where u.id = $1::uuid
