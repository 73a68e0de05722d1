-- Who asks, may they, is the id known: one row a request, in the order asked, without a lock.
-- See resolve_comments (migration 0013) for what each code means.
select
  code, author_membership_id, author_name, workout_id, parent_author_id, assigner_id, first_created_at,
  greatest(0, ceil(extract(epoch from retry_at - clock_timestamp()) * 1000))::bigint as retry_after_ms
from resolve_comments(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::bytea[], $8::int, $9::interval)
