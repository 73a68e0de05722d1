-- The values ($3) that events on topics ($1: the membership, $2: its organization, parallel) are about, a row each, in order, as
-- the organization may see them now: see values_watched, migration 0023. All columns are null for a value that is gone, or not to
-- be seen there (any more).
select w.id, w.membership_id, w.definition_id, w.value, w.unit, w.recorded_at, w.source
from values_watched($1::uuid[], $2::uuid[], $3::uuid[]) w
order by w.ord
