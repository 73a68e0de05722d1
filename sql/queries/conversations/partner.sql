-- The person behind a membership, whatever its status: a conversation with somebody who left stays readable.
-- No row: no such membership in that organization, or the caller's own.
select p.user_id from memberships p where p.id = $3::uuid and p.organization_id = $2::uuid and p.user_id <> $1::uuid
