-- A page of their comments: after ($2, $3), at most $4, one line of JSON each. No row: that was all.
select l.created_at, l.comment_id,
  jsonb_build_object(
    'id', c.id, 'organizationId', l.organization_id, 'workoutMovementId', c.workout_movement_id, 'body', c.body,
    'parentCommentId', c.parent_comment_id, 'createdAt', c.created_at, 'updatedAt', c.updated_at, 'deletedAt', c.deleted_at)::text
from comment_ledger l
join exercise_comments c on c.id = l.comment_id
where l.author_id = $1::uuid and (l.created_at, l.comment_id) > ($2::timestamptz, $3::uuid)
order by l.created_at, l.comment_id
limit $4
