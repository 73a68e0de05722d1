-- The events of these rows, written in this statement and once; see tell_pending (migration 0006). Always one row.
select busy, users, afters, throughs, gone from tell_pending($1::bigint[])
