-- Subscriptions that have ended; not the one that the browser has made since.
update devices d
set push_endpoint = null, push_p256dh = null, push_auth = null
from unnest($1::uuid[], $2::uuid[], $3::text[]) t (user_id, device_id, endpoint)
where d.user_id = t.user_id and d.device_id = t.device_id and d.push_endpoint = t.endpoint
