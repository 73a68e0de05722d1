-- Receipts and their events; see mark_read (migration 0005). The reader's and the sender's membership are told with them.
select
  r.user_id, r."position", r.reader_id, rm.id, sm.id, r.organization_id, r.assignment_id, r.ids, r.at, r.belongs
from mark_read($1::uuid[], $2::uuid[]) r
left join memberships rm on rm.user_id = r.reader_id and rm.organization_id = r.organization_id
left join memberships sm on sm.user_id = r.sender_id and sm.organization_id = r.organization_id
