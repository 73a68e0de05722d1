-- The next step of a run, in its own transaction. Always one row; see retention_step, migration 0020.
select busy, done, users, afters, throughs
from retention_step($1::uuid)
