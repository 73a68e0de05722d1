-- It is in the store. Always one row; false: its person was erased meanwhile, and it goes at once.
select finish_export($1::uuid, $2, $3::jsonb)
