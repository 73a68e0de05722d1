-- A page of their recorded values: after ($2, $3), at most $4, one line of JSON each: see exported_values, migration 0023.
-- No row: that was all, or no export of theirs is being made.
select v.recorded_at, v.id, v.line
from exported_values($1::uuid, $2::timestamptz, $3::uuid, $4::int) v
