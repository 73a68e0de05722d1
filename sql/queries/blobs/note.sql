-- Keys of what was made for an upload that is gone or refused: garbage, unless it is being made again or was finished.
insert into blob_garbage (key, due_at)
select key, now()
from unnest($2::text[]) key
where not exists (select from uploads u where u.id = $1::uuid and u.state in ('processing', 'ready'))
on conflict do nothing
