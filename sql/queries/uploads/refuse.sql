-- Refused, by this attempt. What it may have written goes with the row. No row: it is not this attempt's any more.
update uploads
set state = 'refused', reason = $3, taken_until = null
where id = $1::uuid and state = 'processing' and attempts = $2
returning upload_key
