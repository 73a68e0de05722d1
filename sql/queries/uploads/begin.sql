-- A place for an upload. Always a row: begun, forbidden (no active membership), or rate_limited with when one will be free.
select code, free_at
from begin_upload($1::uuid, $2::uuid, $3::uuid, $4::attachment_type, $5, $6::int, $7, $8, $9, $10::int)
