-- A job whose step could not be taken waits: $2 seconds, and twice as long each time, up to $3; from the beginning if it has come
-- on before ($4). No row: another instance is at it, or it has ended.
update jobs
set attempts = case when $4::boolean then 1 else attempts + 1 end,
  due_at = clock_timestamp() + make_interval(secs => least($3::float8, $2::float8 * power(2, case when $4 then 0 else least(attempts, 30) end)))
where id = (select j.id from jobs j where j.id = $1::uuid and j.state = 'running' for no key update skip locked)
returning attempts
