-- A job that this user asked for. No row: there is none such.
select id, kind::text, state::text, counts, created_at, finished_at
from jobs
where id = $1::uuid and actor_id = $2::uuid and kind in ('erasure', 'export')
