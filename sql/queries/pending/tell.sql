-- The events of these rows, written in this statement and once; see tell_pending (migration 0009). Always one row.
select busy, users, afters, throughs, gone, topics, topic_afters, topic_throughs, revoked, doubted from tell_pending($1::bigint[])
