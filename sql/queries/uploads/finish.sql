-- Ready, by this attempt; the original goes when nobody can put another one in its place. No row: it is not this attempt's any
-- more.
with finished as (
  update uploads
  set state = 'ready', size = $3, thumbnail_key = case when $4 then thumbnail_key end, taken_until = null
  where id = $1::uuid and state = 'processing' and attempts = $2
  returning upload_key, created_at),
noted as (
  insert into blob_garbage (key, due_at)
  select upload_key, greatest(now(), created_at + interval '660 seconds') from finished
  on conflict do nothing)
select upload_key from finished
