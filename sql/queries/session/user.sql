-- Whether a token's subject may use the server. No row: unknown, deleted or erased.
select id from living_users where id = $1::uuid
