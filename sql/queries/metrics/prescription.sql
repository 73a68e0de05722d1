-- The exercises of a workout ($4), in order, for a member ($3), as the caller ($1) may see their values in an organization ($2).
-- A load in percent of a one-rep maximum stands in the prescription as {"percent_1rm": 80} or {"load": {"type": "percent_1rm",
-- "value": 80}}; "metric" beside it names the definition by slug or id, else the exercise's name does: "Back squat" is
-- back_squat_1rm. The columns from the definition's unit on are null where no load can be worked out.
select
  m.id, m.name, m.sort_order, m.prescription::text, trim_scale(p.percent)::text, trim_scale(round(p.percent * c.value * 0.01, 4))::text,
  d.unit::text, v.id, $3::uuid, v.definition_id, trim_scale(c.value)::text, d.unit::text, v.recorded_at, v.source
from workout_movements m
cross join lateral (
  select
    case when jsonb_typeof(x.percent) = 'number' and (x.percent)::numeric between 0 and 1000 then (x.percent)::numeric end as percent,
    coalesce(m.prescription ->> 'metric', m.prescription -> 'load' ->> 'metric') as metric
  from (
    select coalesce(
      m.prescription -> 'percent_1rm', m.prescription -> 'load' -> 'percent_1rm',
      case when m.prescription -> 'load' ->> 'type' = 'percent_1rm' then m.prescription -> 'load' -> 'value' end) as percent
    offset 0) x
  offset 0) p
left join lateral (
  select d.id, d.unit
  from metric_definitions d
  where p.percent is not null and case
    when p.metric is null then d.slug = trim('_' from lower(regexp_replace(m.name, '[^[:alnum:]]+', '_', 'g'))) || '_1rm'
    else d.slug = p.metric or d.id::text = p.metric end
  order by d.slug = p.metric desc nulls last
  limit 1) d on true
left join metric_subject($1::uuid, $2::uuid, $3::uuid) w on true
left join lateral (select w.own or metric_granted(w.user_id, $2, d.id) as all_of_it offset 0) g on true
left join lateral (
  select v.*
  from member_metrics v
  where v.member_id = w.user_id and v.definition_id = d.id
    and (g.all_of_it or (select o.organization_id from metric_origins o where o.value_id = v.id) = $2)
  order by v.recorded_at desc, v.id desc
  limit 1) v on true
left join lateral (select metric_convert(v.value, v.unit, d.unit) as value offset 0) c on true
where m.workout_id = $4::uuid
order by m.sort_order, m.id
