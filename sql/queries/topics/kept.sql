-- How many rows of (after, through] are still there; fewer than through − after: the oldest are gone.
select count(*) from topic_events where topic = $1::text and position > $2::bigint and position <= $3::bigint
