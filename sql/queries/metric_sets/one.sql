-- A set ($3) as the caller ($1) may see it in an organization ($2), with its definitions in order. No row: none for them.
select s.id, s.name, n.id, s.workout_id, s.organization_id,
  array(select d.definition_id from metric_set_definitions d where d.set_id = s.id order by d.sort_order, d.definition_id)
from metric_sets s
left join memberships n on n.user_id = s.member_user_id and n.organization_id = $2
where s.id = $3::uuid and metric_set_right($1::uuid, $2::uuid, s.id) is not null
