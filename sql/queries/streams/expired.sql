-- Weekly partitions whose every event is older than $1 seconds: still attached, or detached and not yet dropped (`parent` is
-- null). `pending`: detaching was begun and broken off. No row: nothing to do.
select i.inhparent::regclass::text as parent, p.relname::text as name, coalesce(i.inhdetachpending, false) as pending
from pg_class p
left join pg_inherits i on i.inhrelid = p.oid
where p.relnamespace = (select s.relnamespace from pg_class s where s.oid = 'stream_events'::regclass)
  and p.relkind = 'r' and p.relname ~ '^(stream|topic)_events_\d{8}$'
  and to_date(right(p.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '7 days' <= now() - make_interval(secs => $1::float8)
order by p.relname
