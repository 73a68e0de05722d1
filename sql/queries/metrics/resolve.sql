-- The newest value of a member ($3) in each definition of a set ($4) that the caller ($1) may see in an organization ($2): see
-- resolved_set, migration 0023. No row: the caller may not look, or there is no such set.
select r.definition, r.id, r.membership_id, r.definition_id, r.value, r.unit, r.recorded_at, r.source
from resolved_set($1::uuid, $2::uuid, $3::uuid, $4::uuid) r
