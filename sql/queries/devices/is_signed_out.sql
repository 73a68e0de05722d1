-- Whether a device is signed out for a token issued at $3 (null: nobody knows when). No row: no such device.
select d.signed_out_at is not null and (d.signed_out_at < $3::timestamptz) is not true
from devices d
where d.user_id = $1::uuid and d.device_id = $2::uuid
