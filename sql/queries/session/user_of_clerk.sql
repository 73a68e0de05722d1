-- Whom the issuer's subject stands for. No row: unknown, deleted or erased.
select id from living_users where clerk_id = $1
