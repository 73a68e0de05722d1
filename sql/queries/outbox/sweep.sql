-- Takes out what nobody needs any more: dropped rows after a day, others 30 days after they were settled (until then it must
-- be known what may stand on somebody's screen). At most $1 of each; how many went. Always one row.
with dropped as (
  select id from outbox
  where state = 'dropped' and settled_at < now() - interval '1 day'
  order by settled_at
  limit $1::int
  for no key update skip locked),
old as (
  select id from outbox
  where state in ('sent', 'dead') and settled_at < now() - interval '30 days'
  order by settled_at
  limit $1::int
  for no key update skip locked),
gone as (
  delete from outbox where id = any (array(select id from dropped union all select id from old)) returning 1)
select count(*) from gone
