-- Back to who takes it next, after this many seconds: the store was away, or this server stops. It costs no attempt.
update uploads
set attempts = attempts - 1, taken_until = now() + make_interval(secs => $3)
where id = $1::uuid and state = 'processing' and attempts = $2
