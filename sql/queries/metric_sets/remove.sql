-- A set goes: see remove_metric_set, migration 0015. Always a row.
select remove_metric_set($1::uuid, $2::uuid, $3::uuid), null::int
