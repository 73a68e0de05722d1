-- Streams for users who have none yet, in id order so that two such statements wait in one direction.
insert into user_streams (user_id)
select distinct t.user_id from unnest($1::uuid[]) t (user_id) order by t.user_id
on conflict do nothing
