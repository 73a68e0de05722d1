-- Begins to erase a membership's part in its organization, or finds the job that does. `role` is that of whoever is to be
-- erased; owners are not, then no job begins. No row: no such membership there.
select m.role::text, case when m.role <> 'owner' then begin_erasure(m.user_id, m.organization_id, $3::uuid) end
from memberships m
where m.id = $1::uuid and m.organization_id = $2::uuid
