-- A job, for whoever may ask for it: an export its person; an erasure the person while they are there, and of a membership the
-- organization's owners. `there`: its export still lies in the store. No row: there is no such job.
select j.id, j.kind::text, j.state::text, j.counts::text, j.created_at, j.finished_at,
  j.kind = 'export' and j.state = 'done' and j.finished_at > clock_timestamp() - interval '1 day'
from jobs j
where j.id = $1::uuid and j.kind in ('erasure', 'export')
  and (j.user_id = $2::uuid or j.kind = 'erasure' and exists (
    select from memberships m
    join organizations o on o.id = m.organization_id and o.deleted_at is null
    where m.user_id = $2 and m.organization_id = j.organization_id
      and m.role = 'owner' and m.status = 'active' and m.deleted_at is null))
