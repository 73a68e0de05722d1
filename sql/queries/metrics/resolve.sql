-- The newest value of a member ($3) in each definition of a set ($4) that the caller ($1) may see in an organization ($2), in
-- the definition's unit: one row a definition, in order, the value's columns null where there is none. A value of another
-- dimension, written past Coachwire, comes in its own unit. The seed's index gives the newest one of each.
-- No row: the caller may not look, or there is no such set.
select d.id, v.id, $3::uuid, v.definition_id, trim_scale(coalesce(c.value, v.value))::text,
  (case when c.value is null then v.unit else d.unit end)::text, v.recorded_at, v.source
from metric_subject($1::uuid, $2::uuid, $3::uuid) w
join metric_set_definitions s on s.set_id = $4::uuid and metric_set_right($1, $2, $4) is not null
join metric_definitions d on d.id = s.definition_id
cross join lateral (select w.own or metric_granted(w.user_id, $2, d.id) as all_of_it offset 0) g
left join lateral (
  select v.*
  from member_metrics v
  where v.member_id = w.user_id and v.definition_id = d.id
    and (g.all_of_it or (select o.organization_id from metric_origins o where o.value_id = v.id) = $2)
  order by v.recorded_at desc, v.id desc
  limit 1) v on true
left join lateral (select metric_convert(v.value, v.unit, d.unit) as value offset 0) c on true
order by s.sort_order, s.definition_id
