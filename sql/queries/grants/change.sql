-- Give, change ($4) or withdraw a grant: see change_metric_grant, migration 0025. Always a row.
select c.code, c.membership_id, c.topic, c.positions, c.sizes, c.ids
from change_metric_grant($1::uuid, $2::uuid, $3::uuid, $4::boolean, $5::timestamptz, $6::timestamptz) c
