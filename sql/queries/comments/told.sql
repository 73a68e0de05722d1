-- The comments that events of a topic are about ($1: ids; $2: when it was told), a row each, in order. Of one whose row is gone
-- the ledger still tells what a deletion tells; all columns are null when not even that is known, `is_there` is false for both.
select
  s.id is not null as is_there,
  l.comment_id, l.organization_id, l.workout_movement_id, coalesce(s.author_membership_id, m.id),
  coalesce(s.author_name, person_name(u.first_name, u.last_name)), s.body, l.parent_comment_id, l.created_at,
  coalesce(s.updated_at, t.at), case when s.id is null then t.at else s.deleted_at end, l.erased_at is not null
from unnest($1::uuid[], $2::timestamptz[]) with ordinality t (id, at, ord)
left join comment_ledger l on l.comment_id = t.id
left join shown_comments s on s.id = l.comment_id
left join users u on s.id is null and u.id = l.author_id
left join memberships m on s.id is null and m.user_id = l.author_id and m.organization_id = l.organization_id
order by t.ord
