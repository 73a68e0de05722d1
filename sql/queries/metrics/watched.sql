-- The values ($3) that events on topics ($1: the membership, $2: its organization, parallel) are about, a row each, in order, as
-- the organization may see them now. All columns are null for a value that is gone, or not to be seen there (any more).
select v.id, m.id, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality t (membership_id, organization_id, id, ord)
left join memberships m on m.id = t.membership_id and m.organization_id = t.organization_id
left join lateral (
  select v.*
  from member_metrics v
  where v.id = t.id and v.member_id = m.user_id and metric_visible(v.id, v.member_id, t.organization_id, v.definition_id)
  offset 0) v on true
order by t.ord
