-- What the platform changed and nobody was told yet: how much, how old (s), how much of it is set aside. Always one row.
select
  count(*) as rows,
  coalesce(extract(epoch from now() - min(at) filter (where attempts = 0)), 0)::float8 as age,
  count(*) filter (where attempts > 0) as set_aside
from stream_pending
