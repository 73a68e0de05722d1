-- Sets what is given ($2, $4, $6 say what is), leaves the rest. Always one row: what holds now.
insert into organization_settings as s (organization_id, edit_window, message_retention_days, content_in_notifications)
values ($1::uuid, $3::int, $5::int, coalesce($7::boolean, false))
on conflict (organization_id) do update set
  edit_window = case when $2::boolean then excluded.edit_window else s.edit_window end,
  message_retention_days = case when $4::boolean then excluded.message_retention_days else s.message_retention_days end,
  content_in_notifications = case when $6::boolean then excluded.content_in_notifications else s.content_in_notifications end,
  updated_at = now()
returning edit_window, message_retention_days, content_in_notifications
