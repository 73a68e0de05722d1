-- The values ($3) that these events on their member's own stream ($1: the member, $2: the organization, parallel) are about, a
-- row each, in order: see values_told, migration 0023. All columns are null for a value that is gone.
select t.id, t.membership_id, t.definition_id, t.value, t.unit, t.recorded_at, t.source
from values_told($1::uuid[], $2::uuid[], $3::uuid[]) t
order by t.ord
