-- What devices have stored: monotone, and never past the head.
update devices d
set acked_position = greatest(d.acked_position, least(t.position, s.position)), seen_at = now()
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) t (user_id, device_id, position)
join user_streams s on s.user_id = t.user_id
where d.user_id = t.user_id and d.device_id = t.device_id
