-- Sets that the caller ($1) may see in an organization ($2), a workout's first (level 0), then a member's (1), then the
-- organization's (2). $3 and $4: those that come into question for a membership, for a workout; `applies` are then the first level
-- that there is. Without both: all of them, of members the caller's own. After the cursor ($5, $6), at most $7.
with found as (
  select s.id, s.name, s.level, s.membership_id, s.workout_id, s.organization_id, min(s.level) over () as first_level
  from (
    select s.id, s.name, 0 as level, null::uuid as membership_id, s.workout_id, null::uuid as organization_id
    from workouts w
    join metric_sets s on s.workout_id = w.id
    where w.organization_id = $2::uuid and case when $4::uuid is null then $3::uuid is null else w.id = $4 end
    union all
    select s.id, s.name, 1, n.id, null, null
    from memberships n
    join metric_sets s on s.member_user_id = n.user_id
    where n.organization_id = $2 and case when $3 is null then n.user_id = $1::uuid else n.id = $3 end
    union all
    select s.id, s.name, 2, null, null, s.organization_id
    from metric_sets s
    where s.organization_id = $2) s
  where metric_set_right($1, $2, s.id) is not null)
select f.id, f.name, f.membership_id, f.workout_id, f.organization_id,
  array(select d.definition_id from metric_set_definitions d where d.set_id = f.id order by d.sort_order, d.definition_id),
  f.level, f.level = f.first_level
from found f
where $5::int is null or (f.level, f.id) > ($5, $6::uuid)
order by f.level, f.id
limit $7
