-- Another name, other definitions: see change_metric_set, migration 0015. Always a row.
select c.code, c.place from change_metric_set($1::uuid, $2::uuid, $3::uuid, $4::text, $5::uuid[]) c
