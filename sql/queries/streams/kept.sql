-- How many rows of (after, through] are still there; fewer than through − after: the oldest are gone.
select count(*) from stream_events where user_id = $1::uuid and position > $2::bigint and position <= $3::bigint
