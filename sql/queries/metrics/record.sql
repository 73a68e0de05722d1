-- Values of one member ($3) by the caller ($1) in an organization ($2): see record_metrics, migration 0023. Always a row.
select
  r.code, r.place, r.user_id, r.positions, r.topics, r.topic_memberships, r.topic_organizations, r.topic_values, r.topic_positions
from record_metrics(
  $1::uuid, $2::uuid, $3::uuid, $4::uuid[], $5::uuid[], $6::numeric[], $7::text[], $8::timestamptz[], $9::text[], $10::bytea[]) r
