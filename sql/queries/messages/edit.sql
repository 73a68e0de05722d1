-- The sender says it otherwise. Always one row; see edit_message (migration 0012) for its codes.
select code, at, assignment_id, users, positions, belong, topic_position
from edit_message($1::uuid, $2::uuid, $3::uuid, $4::text, $5::boolean, $6::interval)
