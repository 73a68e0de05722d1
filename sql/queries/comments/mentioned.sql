-- The comments ($2) that people ($1, parallel) were told of, a row each, in order; all columns are null when it is gone, or the
-- exercise is not for their eyes (any more).
select
  s.id, s.organization_id, s.workout_movement_id, s.author_membership_id, s.author_name, s.body, s.parent_comment_id,
  s.created_at, s.updated_at, s.deleted_at, s.erased
from unnest($1::uuid[], $2::uuid[]) with ordinality t (user_id, id, ord)
left join lateral (
  select s.*
  from shown_comments s
  join workout_movements v on v.id = s.workout_movement_id
  where s.id = t.id and sees_workout(t.user_id, s.organization_id, v.workout_id)
  offset 0) s on true
order by t.ord
