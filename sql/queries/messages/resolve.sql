-- Who is meant, may they, is the id known, do the files attach: one row a request, in the order asked, without a lock.
-- See resolve_sends (migration 0012) for what each code means.
select
  code, sender_membership_id, sender_as, sender_name, recipient_membership_id, recipient_id, first_created_at,
  greatest(0, ceil(extract(epoch from retry_at - clock_timestamp()) * 1000))::bigint as retry_after_ms
from resolve_sends(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bytea[], $7::uuid[], $8::int[], $9::int, $10::interval)
