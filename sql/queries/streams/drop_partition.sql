-- Drops a partition ($1) that was detached and whose week is over; raises for anything else.
select drop_stream_partition($1::text)
