-- A person's ($1) grants, newest first, before the cursor ($2, $3), at most $4: see grants_given, migration 0023.
select g.id, g.organization_id, g.definition_id, g.from_at, g.until_at, g.given_at
from grants_given($1::uuid, $2::timestamptz, $3::uuid, $4::int) g
