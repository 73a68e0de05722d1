-- A row that could not be told waits: 10 s, then twice as long each time, at most an hour. No row: it is gone already.
update stream_pending
set attempts = attempts + 1, not_before = now() + least(interval '1 hour', interval '10 seconds' * 2 ^ attempts)
where id = $1::bigint
returning kind::text, attempts
