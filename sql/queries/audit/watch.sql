-- Writes down who ($1) begins to watch whose values ($2: membership ids, parallel): staff, of others than themselves.
select audit_deed(n.organization_id, t.user_id, 'metrics.read', n.user_id, null, jsonb_build_object('by', 'topic'))
from unnest($1::uuid[], $2::uuid[]) t (user_id, membership_id)
join memberships n on n.id = t.membership_id and n.user_id <> t.user_id
