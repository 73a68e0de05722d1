-- The oldest message of a thread that the caller has not read: as its member ($3) what is addressed to them, as staff what
-- others wrote after their mark. No row: nothing unread.
select m.id
from messages m
left join thread_marks k on k.user_id = $1::uuid and k.workout_assignment_id = $2::uuid
where m.workout_assignment_id = $2 and m.deleted_at is null and m.sender_id <> $1
  and case
    when $3::boolean then m.recipient_id = $1 and m.read_at is null
    else k.user_id is null or (m.created_at, m.id) > (k.created_at, k.message_id) end
order by m.created_at, m.id
limit 1
