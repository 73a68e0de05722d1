-- The weeks to come, four ahead; returns how many were missing.
select make_stream_partitions(4)
