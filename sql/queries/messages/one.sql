-- One message as its viewer sees it: a party's, or a thread's for staff. No row: no such message, or not visible.
-- A deleted one comes as its row stands: the tombstone is made when it is shown.
select w.*
from messages m
join memberships v on v.user_id = $3::uuid and v.organization_id = m.organization_id and v.status = 'active' and v.deleted_at is null
cross join lateral shown_to(m.id, $3) w
where m.id = $1::uuid and m.organization_id = $2::uuid
  and may_see($3, v.role <> 'member', m.sender_id, m.recipient_id, m.workout_assignment_id)
