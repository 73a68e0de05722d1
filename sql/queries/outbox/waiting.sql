-- For how long the row that is to be posted next has been due (s), how many are due, how many are dead; both counts end at
-- 10,000. Always one row.
select
  greatest(0, coalesce(extract(epoch from clock_timestamp() - least(
    (select due_at from outbox where state = 'waiting' and device_id is null order by due_at limit 1),
    (select due_at from outbox where state = 'waiting' and device_id is not null order by due_at limit 1))), 0))::float8,
  (select count(*) from (
    (select 1 from outbox where state = 'waiting' and device_id is null and due_at <= clock_timestamp() limit 10000)
    union all
    (select 1 from outbox where state = 'waiting' and device_id is not null and due_at <= clock_timestamp() limit 10000)) due),
  (select count(*) from (select 1 from outbox where state = 'dead' limit 10000) dead)
