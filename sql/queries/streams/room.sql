-- For how many seconds from now there are partitions for events. Always one row.
select coalesce(extract(epoch from
  max(substring(pg_get_expr(p.relpartbound, p.oid) from 'TO \(''([^'']+)''\)')::timestamptz) - now()), 0)::float8 as room
from pg_inherits i
join pg_class p on p.oid = i.inhrelid
where i.inhparent = 'stream_events'::regclass
