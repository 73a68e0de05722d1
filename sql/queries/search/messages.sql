-- Messages by their words, newest first, as the caller sees them; see search_messages (migration 0014). Where the search ended at
-- its bound there is one row more, the last: its message is null, its time and id say how far it came. No row: nothing found.
select f.created_at, f.id, w.*
from search_messages(
  $1::uuid, $2::boolean, $3::uuid, $4::text, $5::timestamptz, $6::uuid, $7::int, $8::int, $9::int, $10::int) f
left join lateral shown_to(case when f.found then f.id end, $1) w on true
order by f.created_at desc, f.id desc, f.found desc  -- the last that was looked at may have been found as well
