-- As whom this connection works and as whom it logged in, and what the two could do past row-level security. `owned`: those of
-- the three tables that are as good as the role's own; `open`: those of them without row security (a platform's own table is
-- left out); `serves`: the role has the server's rights; `becomes`: the login may take them on. Always a row.
with guarded as (
  select c.relname::text as name, c.relowner, c.relrowsecurity
  from pg_class c
  where c.oid in ('member_metrics'::regclass, 'metric_origins'::regclass, 'metric_grants'::regclass))
select r.rolname::text, r.rolsuper or r.rolbypassrls,
  array(select g.name from guarded g where pg_has_role(r.oid, g.relowner, 'usage') order by 1),
  array(
    select g.name from guarded g
    where not g.relrowsecurity and g.relowner = (select c.relowner from pg_class c where c.oid = 'metric_origins'::regclass)
    order by 1),
  coalesce((select pg_has_role(r.oid, s.oid, 'usage') from pg_roles s where s.rolname = 'coachwire_server'), false),
  coalesce((select pg_has_role(l.oid, s.oid, 'member') from pg_roles s where s.rolname = 'coachwire_server'), false),
  l.rolname::text,
  l.rolsuper or l.rolbypassrls or l.rolcreaterole or exists (select from guarded g where pg_has_role(l.oid, g.relowner, 'member'))
from pg_roles r, pg_roles l
where r.rolname = current_user and l.rolname = session_user
