-- Jobs of this kind that are under way and due, the one that has been due for longest first. No row: nothing to do.
select id
from jobs
where state = 'running' and kind = $2::job_kind and due_at <= clock_timestamp()
order by due_at
limit $1
