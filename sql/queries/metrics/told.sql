-- The values ($3) that these events on their member's own stream ($1: the member, $2: the organization, parallel) are about, a
-- row each, in order; all columns are null for a value that is gone.
select v.id, m.id, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality t (user_id, organization_id, id, ord)
left join member_metrics v on v.id = t.id and v.member_id = t.user_id
left join memberships m on v.id is not null and m.user_id = t.user_id and m.organization_id = t.organization_id
order by t.ord
