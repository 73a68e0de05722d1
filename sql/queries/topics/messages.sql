-- The messages that these events are about ($1: ids), a row each, in order, as they are shown to whoever watches the thread.
-- The parties come from the ledger, which outlives the message; a message's columns are all null when it is gone.
select sm.id, l.workout_assignment_id, w.*
from unnest($1::uuid[]) with ordinality t (id, ord)
left join message_ledger l on l.message_id = t.id
left join memberships sm on sm.user_id = l.sender_id and sm.organization_id = l.organization_id
left join lateral shown_to(t.id, null) w on true
order by t.ord
