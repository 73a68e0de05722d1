-- Whether a membership is the caller's own. No row: no such membership in that organization.
select n.user_id = $1::uuid from memberships n where n.id = $3::uuid and n.organization_id = $2::uuid
