-- Whether a token's subject may use the server. No row: unknown or deleted.
select id from users where id = $1::uuid and deleted_at is null
