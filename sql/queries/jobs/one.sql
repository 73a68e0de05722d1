-- A job that this user asked for; `there`: its export still lies in the store. No row: there is no such job.
select id, kind::text, state::text, counts::text, created_at, finished_at,
  kind = 'export' and state = 'done' and finished_at > clock_timestamp() - interval '1 day'
from jobs
where id = $1::uuid and actor_id = $2::uuid and kind in ('erasure', 'export')
