-- Where a user's stream is. No row: no such user, deleted or erased.
select (select epoch from stream_epoch), coalesce((select position from user_streams where user_id = u.id), 0)
from living_users u
where u.id = $1::uuid
