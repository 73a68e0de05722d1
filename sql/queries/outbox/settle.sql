-- How posts ended: $3 sent, dropped, dead, or waiting for another attempt in $4 s; $5: why not sent. By id, as everybody locks
-- these rows. No row for one that somebody else holds by now, or that was dropped meanwhile: it is theirs to say.
with held as materialized (
  select o.id, t.state, t.wait, t.problem
  from unnest($1::bigint[], $2::int[], $3::text[], $4::float8[], $5::text[]) t (id, claim, state, wait, problem)
  join outbox o on o.id = t.id and o.claims = t.claim and o.state = 'waiting'
  order by o.id
  for no key update of o)
update outbox o
set
  state = held.state::outbox_state,
  problem = held.problem,
  due_at = case when held.state = 'waiting' then clock_timestamp() + make_interval(secs => held.wait) else o.due_at end,
  settled_at = case when held.state <> 'waiting' then clock_timestamp() end
from held
where o.id = held.id
returning o.id
