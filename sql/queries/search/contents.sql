-- Messages as they are now, parallel arrays; those without words, or that are gone, are not among them. Always one row.
select
  coalesce(array_agg(m.id), '{}'), coalesce(array_agg(m.organization_id), '{}'), coalesce(array_agg(m.sender_id), '{}'),
  coalesce(array_agg(m.recipient_id), '{}'), coalesce(array_agg(m.workout_assignment_id is not null), '{}'),
  coalesce(array_agg(m.created_at), '{}'), coalesce(array_agg(m.content), '{}')
from messages m
where m.id = any ($1::uuid[]) and m.deleted_at is null and m.content is not null
