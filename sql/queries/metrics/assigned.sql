-- An assignment ($3) of an organization ($2) as the caller ($1) may see it: its member, once it is published, and staff.
-- No row: there is none for them.
select n.id, coalesce(a.snapshot_workout_id, a.workout_id)
from workout_assignments a
join memberships n on n.user_id = a.user_id and n.organization_id = a.organization_id
join memberships m on m.user_id = $1::uuid and m.organization_id = a.organization_id and m.status = 'active' and m.deleted_at is null
where a.id = $3::uuid and a.organization_id = $2::uuid and a.deleted_at is null
  and case when a.user_id = $1 then a.published else m.role <> 'member' end
