-- Whom the issuer's subject stands for. No row: unknown, deleted or erased.
select id from users where clerk_id = $1 and deleted_at is null
