-- The sender takes a message back. Always one row; see delete_message (migration 0005) for its codes.
select code, at, sender_membership_id, assignment_id, users, positions, belong
from delete_message($1::uuid, $2::uuid, $3::uuid)
