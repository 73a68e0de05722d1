-- Takes an export to build it. Always one row: whose it is; null: not to be built by us now. What is put into the store is noted
-- as garbage before: whoever dies between that and `finish` leaves nothing behind.
with taken as (
  select take_export($1::uuid) as user_id),
noted as (
  insert into blob_garbage (key, due_at)
  select 'exports/' || user_id || '/' || $1::uuid || '.zip', clock_timestamp() + interval '2 days' from taken where user_id is not null
  on conflict (key) do update set due_at = excluded.due_at)
select user_id from taken
