-- People of an organization, newest membership first, older than the cursor ($4, $5); $2 narrows to active staff, $3 to those
-- whose name contains it. Ordered by what never changes, so that a page neither repeats nor leaves out anybody.
select m.id, person_name(u.first_name, u.last_name), m.role::text, m.status::text, u.image_url, m.created_at
from memberships m
join users u on u.id = m.user_id and u.deleted_at is null
where m.organization_id = $1::uuid and m.deleted_at is null
  and (not $2::boolean or (m.status = 'active' and m.role <> 'member'))
  and position(lower($3::text) in lower(person_name(u.first_name, u.last_name))) > 0
  and ($4::timestamptz is null or (m.created_at, m.id) < ($4, $5::uuid))
order by m.created_at desc, m.id desc
limit $6
