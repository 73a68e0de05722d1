-- What is said on an exercise, oldest first, newer than the cursor ($2, $3). What was deleted stays as long as something
-- below it is still said.
select
  s.id, s.organization_id, s.workout_movement_id, s.author_membership_id, s.author_name, s.body, s.parent_comment_id,
  s.created_at, s.updated_at, s.deleted_at, s.erased
from (
  select l.comment_id, l.created_at
  from comment_ledger l
  join exercise_comments c on c.id = l.comment_id
  where l.workout_movement_id = $1::uuid
    and (l.created_at, l.comment_id)
      > (coalesce($2::timestamptz, '-infinity'), coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
    and (c.deleted_at is null or has_living_reply(c.id))
  order by l.created_at, l.comment_id
  limit $4) p
join shown_comments s on s.id = p.comment_id
order by p.created_at, p.comment_id
