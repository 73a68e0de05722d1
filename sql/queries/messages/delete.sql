-- The sender takes a message back, or owner or admin delete it. Always one row; see delete_message (migration 0012) for its codes.
select code, at, sender_membership_id, assignment_id, users, positions, belong, topic_position
from delete_message($1::uuid, $2::uuid, $3::uuid)
