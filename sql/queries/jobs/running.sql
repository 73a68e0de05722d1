-- Jobs that are under way, oldest first. No row: nothing to do.
select id, kind::text
from jobs
where state = 'running'
order by created_at
limit $1
