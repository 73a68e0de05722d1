-- Who has seen a thread through which message: marks move forward, staff's only. An assignment that is being deleted takes its
-- marks with it and gets no more. $5: for each row somebody else, of whom is asked whether the thread is kept from them (see
-- kept_from, migration 0012). One row each, in the order given.
with free as (
  select a.id, a.user_id from workout_assignments a where a.id = any ($2) for key share skip locked),
marked as (
  insert into thread_marks as k (user_id, workout_assignment_id, created_at, message_id)
  select distinct on (t.user_id, t.assignment) t.user_id, t.assignment, t.at, t.id
  from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[]) t (user_id, assignment, at, id)
  join free a on a.id = t.assignment and a.user_id <> t.user_id
  order by t.user_id, t.assignment, t.at desc, t.id desc
  on conflict (user_id, workout_assignment_id) do update
    set created_at = excluded.created_at, message_id = excluded.message_id
    where (k.created_at, k.message_id) < (excluded.created_at, excluded.message_id))
select kept_from(t.other, t.assignment)
from unnest($5::uuid[], $2) with ordinality t (other, assignment, ord)
order by t.ord
