-- Values of a member ($3) as the caller ($1) may see them in an organization ($2), newest first: of one definition ($4) or all,
-- from $5 through $6, older than the cursor ($7, $8), at most $9: see seen_values, migration 0025. No row: none is visible.
select v.id, v.membership_id, v.definition_id, v.value, v.unit, v.recorded_at, v.source
from seen_values($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::timestamptz, $6::timestamptz, $7::timestamptz, $8::uuid, $9::int) v
