-- Begins to erase a person, or finds the job that does or did. No row: no such user.
select begin_erasure(id, null, $2::uuid)
from users
where id = $1::uuid
