-- A job that has come on is due again behind the others. Nothing is done while another instance is at it.
update jobs
set attempts = 0, due_at = clock_timestamp()
where id = (select j.id from jobs j where j.id = $1::uuid and j.state = 'running' for no key update skip locked)
