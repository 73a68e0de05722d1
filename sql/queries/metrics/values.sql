-- These values ($3) as they are shown under a membership ($2) to the caller ($1), in the order asked; those that are gone, or
-- not to be seen (any more), are left out.
select v.id, v.membership_id, v.definition_id, v.value, v.unit, v.recorded_at, v.source
from values_shown($1::uuid, $2::uuid, $3::uuid[]) v
