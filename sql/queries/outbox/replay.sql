-- Has rows posted again, with the ids they had: $1 this one, if it is settled; null: dead ones, at most $2. Held rows are passed
-- over. How many. Always one row.
with one as (
  select id from outbox where id = $1::bigint and state <> 'waiting' for no key update skip locked),
dead as (
  select id from outbox where $1 is null and state = 'dead' order by id limit $2::int for no key update skip locked),
again as (
  update outbox
  set state = 'waiting', attempts = 0, problem = null, due_at = clock_timestamp(), settled_at = null
  where id = any (array(select id from one union all select id from dead))
  returning 1)
select count(*) from again
