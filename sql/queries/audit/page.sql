-- What was written down of an organization, newest first, older than the cursor ($2, $3). No row: nothing.
select a.id, a.at, am.id, a.action, sm.id, a.subject_id, a.details::text
from audit a
left join memberships am on am.user_id = a.actor_id and am.organization_id = a.organization_id
left join memberships sm on sm.user_id = a.subject_user_id and sm.organization_id = a.organization_id
where a.organization_id = $1::uuid and ($2::timestamptz is null or (a.at, a.id) < ($2, $3::uuid))
order by a.at desc, a.id desc
limit $4
