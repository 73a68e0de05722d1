-- Pages of streams: for each (user, after, through) the events in between, at most $4 each, with their subjects as they are
-- now. `visible` is false for what the user may not be told any more: the organization was left, or the thread is
-- kept from them (see kept_from, migration 0005). The parties come from the
-- ledger, which outlives the message. What became of a membership or an assignment is looked up now, whatever its event was
-- stored as: `status` is null when the membership or its organization is gone.
select
  e.user_id, e.position, e.kind::text, e.organization_id, e.subject_ids, e.at, e.facts ->> 'before',
  e.organization_id is null or exists (
    select from memberships v
    join organizations o on o.id = v.organization_id and o.deleted_at is null
    where v.user_id = e.user_id and v.organization_id = e.organization_id and v.status = 'active' and v.deleted_at is null)
    and not kept_from(e.user_id, l.workout_assignment_id),
  sm.id, rm.id, l.workout_assignment_id, c.role::text, c.status::text,
  e.kind in ('assignment.published', 'assignment.removed') and exists (
    select from workout_assignments a
    where a.id = e.subject_ids[1] and a.user_id = e.user_id and a.published and a.deleted_at is null),
  w.*
from unnest($1::uuid[], $2::bigint[], $3::bigint[]) with ordinality t (user_id, after, through, ord)
cross join lateral (
  select e.* from stream_events e
  where e.user_id = t.user_id and e.position > t.after and e.position <= t.through
  order by e.position
  limit $4) e
left join message_ledger l on l.message_id = e.subject_ids[1]
left join memberships sm on sm.user_id = l.sender_id and sm.organization_id = e.organization_id
left join memberships rm on rm.organization_id = e.organization_id
  and rm.user_id = case when l.sender_id = l.low_user_id then l.high_user_id else l.low_user_id end
left join lateral shown_to(e.subject_ids[1], e.user_id) w on true
left join lateral (
  select m.role, m.status from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where e.kind in ('membership.changed', 'membership.ended')
    and m.id = e.subject_ids[1] and m.user_id = e.user_id and m.deleted_at is null) c on true
order by t.ord, e.position
