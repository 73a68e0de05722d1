-- Jobs that are under way, those of them whose last attempts came to nothing, and for how many seconds the one of these that has
-- stood for longest has not moved. Always one row.
select count(*)::int, count(*) filter (where attempts > 0)::int,
  coalesce(extract(epoch from clock_timestamp() - min(moved_at) filter (where attempts > 0)), 0)::float8
from jobs
where state = 'running'
