-- One comment as everybody on its exercise sees it, also a deleted one. No row: it is gone.
select
  s.id, s.organization_id, s.workout_movement_id, s.author_membership_id, s.author_name, s.body, s.parent_comment_id,
  s.created_at, s.updated_at, s.deleted_at, s.erased
from shown_comments s
where s.id = $1::uuid
