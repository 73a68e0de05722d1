-- What an organization has decided for itself. No row: nothing.
select edit_window, message_retention_days, content_in_notifications
from organization_settings
where organization_id = $1::uuid
