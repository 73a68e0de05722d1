-- The next step of an erasure, in its own transaction. Always one row; see erase_step, migration 0019.
select busy, done, held, gone, users, afters, throughs
from erase_step($1::uuid)
