-- A page of their recorded values: after ($2, $3), at most $4, one line of JSON each. No row: that was all.
select v.recorded_at, v.id,
  jsonb_build_object(
    'id', v.id, 'definition', d.slug, 'value', v.value::text, 'unit', v.unit, 'recordedAt', v.recorded_at, 'source', v.source,
    'organizationId', o.organization_id)::text
from member_metrics v
join metric_definitions d on d.id = v.definition_id
left join metric_origins o on o.value_id = v.id
where v.member_id = $1::uuid and (v.recorded_at, v.id) > ($2::timestamptz, $3::uuid)
order by v.recorded_at, v.id
limit $4
