-- How an erasure stands. Always one row, of a job that there is.
select state::text, counts::text
from jobs
where id = $1::uuid
