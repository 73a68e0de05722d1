-- Says how far it has come. Always one row; false: stop.
select keep_export($1::uuid, $2::jsonb)
