-- The outbox by state and reason, for the operator; it reads all of it. No row: there is nothing.
select
  case when device_id is null then 'webhook' else 'web push' end, kind::text, state::text, coalesce(problem, ''), count(*),
  min(made_at), max(made_at)
from outbox
group by 1, 2, 3, 4
order by 3, 1, 2, 4
