-- How much each of these users has not read, by organization. No row for a user: nothing.
select m.recipient_id, m.organization_id, count(*)
from messages m
join memberships n on n.user_id = m.recipient_id and n.organization_id = m.organization_id
  and n.status = 'active' and n.deleted_at is null
join organizations o on o.id = m.organization_id and o.deleted_at is null
left join workout_assignments a on a.id = m.workout_assignment_id
where m.recipient_id = any ($1::uuid[]) and m.read_at is null and m.deleted_at is null
  and (m.workout_assignment_id is null or (a.published and a.deleted_at is null))
group by m.recipient_id, m.organization_id
order by m.recipient_id, m.organization_id
