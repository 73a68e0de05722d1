-- Locks, rights again, insert, positions, events: one round trip for what resolve called 'new'. Always one row.
-- Row i was created at `at` + i µs (from 1).
select at, codes, sender_positions, recipient_positions, topic_positions, files
from send_messages(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::sender_role[], $5::uuid[], $6::uuid[], $7::text[], $8::bytea[],
  $9::int[], $10::int[], $11::uuid[], $12::uuid[], $13::uuid[], $14::uuid[], $15::int[], $16::boolean, $17::int, $18::interval)
