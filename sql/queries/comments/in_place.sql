-- One comment of this workout's ($3) exercise ($4), for its author and for who may see the workout. No row: no such comment
-- there, or not visible.
select
  s.id, s.organization_id, s.workout_movement_id, s.author_membership_id, s.author_name, s.body, s.parent_comment_id,
  s.created_at, s.updated_at, s.deleted_at, s.erased
from shown_comments s
join workout_movements v on v.id = s.workout_movement_id
where s.id = $5::uuid and s.organization_id = $2::uuid and s.workout_movement_id = $4::uuid and v.workout_id = $3::uuid
  and (s.author_id = $1::uuid or sees_workout($1, $2, $3))
