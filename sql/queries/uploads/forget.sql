-- Rows of unclaimed uploads, a minute after nobody can claim them; their keys become garbage. No row: none.
delete from uploads
where id in (
  select id
  from uploads
  where message_id is null and created_at < now() - interval '960 seconds'
  order by created_at
  limit 500
  for update skip locked)
returning id
