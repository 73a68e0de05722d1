-- Whether a workout ($3) is there for the caller ($1) in an organization ($2). No row: it is not.
select w.id
from memberships m
join workouts w on w.id = $3::uuid and w.organization_id = m.organization_id and w.deleted_at is null
where m.user_id = $1::uuid and m.organization_id = $2::uuid and m.status = 'active' and m.deleted_at is null
  and (m.role <> 'member' or assigned_workout($1, $2, w.id))
