-- An upload as its owner may know it. No row: none of this person in this organization, or gone unclaimed.
select u.id, u.mime_type, u.size, u.state::text, u.reason, u.upload_key
from uploads u
join memberships m on m.user_id = u.user_id and m.organization_id = u.organization_id and m.status = 'active' and m.deleted_at is null
where u.id = $1::uuid and u.organization_id = $2::uuid and u.user_id = $3::uuid
  and (u.message_id is not null or u.created_at > now() - interval '900 seconds')
