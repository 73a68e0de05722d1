-- These rows were cleared while they were posted, and the post has ended: what clears them need not wait for that any more.
-- What somebody holds at this moment is passed over, its time comes anyway.
with followers as (
  select r.id
  from outbox o
  join outbox r on r.subject_id = o.subject_id and r.user_id = o.user_id
  where o.id = any ($1::bigint[]) and o.state = 'dropped' and r.kind = 'read' and r.state = 'waiting' and r.claims = 0
  for no key update of r skip locked)
update outbox set due_at = clock_timestamp()
where id = any (array(select id from followers)) and due_at > clock_timestamp()
