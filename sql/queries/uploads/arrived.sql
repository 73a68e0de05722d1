-- The bytes were seen: to be processed, or refused for this reason. No row: it was not waiting any more, or is gone.
update uploads u
set
  state = case when $4::text is null then 'processing' else 'refused' end::upload_state,
  reason = $4,
  etag = $5
where u.id = $1::uuid and u.organization_id = $2::uuid and u.user_id = $3::uuid and u.state = 'waiting'
  and u.created_at > now() - interval '900 seconds'
  and exists (
    select from memberships m
    where m.user_id = u.user_id and m.organization_id = u.organization_id and m.status = 'active' and m.deleted_at is null)
returning u.state::text
