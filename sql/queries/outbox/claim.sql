-- What is due now and is to be posted, or need not be any more; see claim_notifications (migration 0010). No row: nothing is due.
select
  id, claim, attempt, act, kind, type, made_at, user_id, clerk_id, membership_id, organization_id, subject_id, assignment_id,
  movement_id, author_membership_id, author_name, badge, organization_badge, shows_content, content, attachments, device_id,
  push_endpoint, push_p256dh, push_auth
from claim_notifications($1::boolean, $2::int, $3::interval, $4::boolean, $5::boolean)
