-- Keys whose objects are to be deleted now. Whoever cannot delete them comes back to them later each time, up to an hour. No
-- row: none.
update blob_garbage
set attempts = attempts + 1, due_at = now() + least(interval '1 hour', interval '30 seconds' * 2 ^ least(attempts, 10))
where key in (
  select key
  from blob_garbage
  where due_at <= now()
  order by due_at
  limit 100
  for update skip locked)
returning key
