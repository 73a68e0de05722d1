-- Locks, rights again, insert, positions, events: one round trip for what resolve called 'new'. Always one row.
-- Row i was created at `at` + i µs (from 1).
select at, codes, topic_positions, parent_author_positions, assigner_positions
from create_comments(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bytea[],
  $9::int[], $10::int[], $11::int[], $12::uuid[], $13::boolean, $14::int, $15::interval)
