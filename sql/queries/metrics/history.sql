-- Values of a member ($3) as the caller ($1) may see them in an organization ($2), newest first: of one definition ($4) or all,
-- from $5 through $6, older than the cursor ($7, $8), at most $9. Each definition's are read by its index, so the page costs
-- the same however many values there are. What is asked again here is whether the caller may: no row then, and none is visible.
select v.id, $3::uuid, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source
from metric_subject($1::uuid, $2::uuid, $3::uuid) w
cross join metric_definitions d
cross join lateral (select w.own or metric_granted(w.user_id, $2, d.id) as all_of_it offset 0) g
cross join lateral (
  select v.*
  from member_metrics v
  where v.member_id = w.user_id and v.definition_id = d.id
    and v.recorded_at >= coalesce($5::timestamptz, '-infinity') and v.recorded_at <= coalesce($6::timestamptz, 'infinity')
    and v.recorded_at <= coalesce($7::timestamptz, 'infinity')
    and ($7::timestamptz is null or (v.recorded_at, v.id) < ($7, $8::uuid))
    and (g.all_of_it or (select o.organization_id from metric_origins o where o.value_id = v.id) = $2)
  order by v.recorded_at desc, v.id desc
  limit $9) v
where $4::uuid is null or d.id = $4
order by v.recorded_at desc, v.id desc
limit $9
