-- Jobs of this kind that are under way, oldest first. No row: nothing to do.
select id
from jobs
where state = 'running' and kind = $2::job_kind
order by created_at
limit $1
