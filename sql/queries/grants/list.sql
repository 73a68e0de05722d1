-- A person's grants, newest first, before the cursor ($2, $3), at most $4.
select g.id, g.organization_id, g.definition_id, g.from_at, g.until_at, g.given_at
from metric_grants g
where g.user_id = $1::uuid and ($2::timestamptz is null or (g.given_at, g.id) < ($2, $3::uuid))
order by g.given_at desc, g.id desc
limit $4
