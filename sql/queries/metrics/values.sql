-- These values ($2) as they are shown under a membership ($1), in the order asked; those that are gone are left out.
select v.id, $1::uuid, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source
from unnest($2::uuid[]) with ordinality t (id, ord)
join member_metrics v on v.id = t.id
order by t.ord
