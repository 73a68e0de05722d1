-- A new set: see make_metric_set, migration 0015. Always a row.
select m.code, m.place from make_metric_set($1::uuid, $2::uuid, $3::uuid, $4::text, $5::uuid, $6::uuid, $7::uuid[]) m
