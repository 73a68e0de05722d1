-- The oldest direct message from a partner that the caller has not read. No row: nothing unread.
-- ("offset 0": to find the first in order, the planner would read years of what is read already, where nothing is unread.)
select m.id
from (
  select m.id, m.created_at
  from messages m
  where m.recipient_id = $1::uuid and m.read_at is null and m.sender_id = $3::uuid and m.organization_id = $2::uuid
    and m.workout_assignment_id is null and m.deleted_at is null
  offset 0) m
order by m.created_at, m.id
limit 1
