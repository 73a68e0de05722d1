-- Whether the caller takes part in a thread as its member; $4: whether they are staff. No row: no such assignment in that
-- organization, or not visible.
select a.user_id = $1::uuid
from workout_assignments a
where a.id = $3::uuid and a.organization_id = $2::uuid and a.deleted_at is null
  and case when a.user_id = $1 then a.published else $4::boolean end
