-- For whom beside its member an assignment's coming or going changes what is unread: recipients in its thread. $1 to $3 are
-- the spans that were written: user, after, through.
select distinct m.recipient_id
from unnest($1::uuid[], $2::bigint[], $3::bigint[]) t (user_id, after, through)
join stream_events e on e.user_id = t.user_id and e.position > t.after and e.position <= t.through
  and e.kind in ('assignment.published', 'assignment.removed')
join messages m on m.workout_assignment_id = e.subject_ids[1]
where m.recipient_id <> e.user_id and m.read_at is null and m.deleted_at is null
