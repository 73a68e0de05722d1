-- The life of all positions.
select epoch from stream_epoch
