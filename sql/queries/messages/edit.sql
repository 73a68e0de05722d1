-- The sender says it otherwise. Always one row; see edit_message (migration 0007) for its codes.
select code, at, users, positions, belong
from edit_message($1::uuid, $2::uuid, $3::uuid, $4::text, $5::boolean, $6::interval)
