-- Messages as they are now; those without words, or that are gone, have no row.
select m.id, m.organization_id, m.sender_id, m.recipient_id, m.workout_assignment_id is not null, m.created_at, m.content
from messages m
where m.id = any ($1::uuid[]) and m.deleted_at is null and m.content is not null
