-- Roles, and row-level security as a second wall.
--
-- `coachwire_server` is what the server works as: it owns neither the tables of values nor a way past their policies, and may
-- what is granted below, table by table. `coachwire_rows` owns the functions that read and write values past the policies
-- (erasure, export, whether an id is taken); nobody logs in as it. The tables stay whoever's migrates.
--
-- On `member_metrics`, `metric_origins` and `metric_grants` the server sees what the person in the setting `app.user_id` may see,
-- and nothing when it is not set. Functions set it before they look: in the same round trip, until the transaction ends.

do $$
declare
  v_role text;
  v_schema text := quote_ident(current_schema());
begin
  foreach v_role in array array['coachwire_server', 'coachwire_rows'] loop
    if not exists (select from pg_roles where rolname = v_role) then
      begin
        execute format('create role %I nologin', v_role);
      exception
        when duplicate_object or unique_violation then null;  -- another database of this cluster is migrated in this moment
      end;
    end if;
    if exists (select from pg_roles where rolname = v_role and (rolsuper or rolbypassrls or rolcanlogin)) then
      raise exception 'let an administrator run: alter role % nosuperuser nobypassrls nologin;', v_role;
    end if;
    -- Whoever migrates hands tables and functions over to them, and changes them later.
    if not pg_has_role(current_user, v_role, 'usage') then
      execute format('grant %I to %I', v_role, current_user);
    end if;
    if not has_schema_privilege(v_role, v_schema, 'usage') or not has_schema_privilege(v_role, v_schema, 'create') then
      execute format('grant usage, create on schema %s to %I', v_schema, v_role);
    end if;
    if not has_schema_privilege(v_role, v_schema, 'usage') or not has_schema_privilege(v_role, v_schema, 'create')
      or not pg_has_role(current_user, v_role, 'usage') then
      raise insufficient_privilege;
    end if;
  end loop;
exception when insufficient_privilege then  -- and all of it is undone
  raise exception using errcode = 'insufficient_privilege', message = format(
    'let an administrator run: %sgrant coachwire_server, coachwire_rows to %I; '
    'grant usage, create on schema %s to coachwire_server, coachwire_rows;',
    (select string_agg(format('create role %I nologin; ', name), '' order by name desc)
      from unnest(array['coachwire_server', 'coachwire_rows']) name where to_regrole(name) is null),
    current_user, v_schema);
end $$;


-- 1. What the server may

grant select on metric_units, stream_epoch, deleted_drafts to coachwire_server;
grant select, insert on audit, conversations, erased_people, erasures, member_metrics, metric_origins to coachwire_server;
grant select, insert, update on
  comment_ledger, jobs, message_ledger, organization_settings, topic_streams, user_streams to coachwire_server;
grant select, insert, delete on job_people to coachwire_server;
grant select, update, delete on search_backlog to coachwire_server;
grant select, insert, update, delete on
  blob_garbage, devices, message_search, metric_grants, metric_set_definitions, metric_sets, outbox, search_pending, stream_pending,
  thread_marks, uploads
  to coachwire_server;

-- Views lend nobody their owner's rights. (Locking a row through one asks for UPDATE on some column of it.)
alter view living_users set (security_invoker = true);
alter view shown_messages set (security_invoker = true);
alter view shown_comments set (security_invoker = true);
grant select, update (id) on living_users to coachwire_server;
grant select on shown_messages, shown_comments to coachwire_server;

-- The platform's tables, as far as they are ours to grant; where they are not, `migrate` has asked their owner before this file.
-- UPDATE on a column that does not matter is what a lock for a foreign key asks for.
do $$
declare
  wanted record;
begin
  for wanted in
    select t.name, t.rights
    from (values
      ('schema_migrations', 'select'),
      ('users', 'select, update (updated_at)'),
      ('organizations', 'select, update (updated_at)'),
      ('memberships', 'select, update (status, end_date)'),
      ('workouts', 'select'),
      ('workout_movements', 'select, update (sort_order)'),
      ('workout_assignments', 'select, update (updated_at)'),
      ('messages', 'select, insert, update, delete'),
      ('message_attachments', 'select, insert, update, delete'),
      ('exercise_comments', 'select, insert, update'),
      ('metric_definitions', 'select, update (description)')) t (name, rights)
    join pg_class c on c.oid = to_regclass(t.name) and pg_has_role(c.relowner, 'usage')
  loop
    execute format('grant %s on %I to coachwire_server', wanted.rights, wanted.name);
  end loop;
  -- Erasure redacts people whom we keep; a platform that keeps its own is told, and does it itself.
  if (select u.relowner = s.relowner from pg_class u, pg_class s where u.oid = 'users'::regclass and s.oid = 'user_streams'::regclass) then
    grant update (email, clerk_id, first_name, last_name, phone, image_url, deleted_at) on users to coachwire_server;
  end if;
end $$;


-- 2. Weekly partitions. Detaching one without a lock that anybody waits for cannot be done inside a function, and asks for
-- the ownership of the parent: so the server owns these two. To make one asks for CREATE on the schema, and that the server
-- does not have: what it makes there could stand in for what others call.

alter table stream_events owner to coachwire_server;
alter table topic_events owner to coachwire_server;

create or replace function make_stream_partition(moment timestamptz) returns boolean
language plpgsql volatile security definer as $$
declare
  monday timestamp := date_trunc('week', moment at time zone 'UTC');
  made boolean := false;
  parent text;
  name text;
begin
  perform pg_advisory_xact_lock(hashtextextended('coachwire.partitions', 0));  -- two servers start at once
  foreach parent in array array['stream_events', 'topic_events'] loop
    name := parent || '_' || to_char(monday, 'YYYYMMDD');
    if to_regclass(name) is null then
      execute format('create table %I partition of %I for values from (%L) to (%L)',
        name, parent, monday at time zone 'UTC', (monday + interval '7 days') at time zone 'UTC');
      made := true;
    end if;
  end loop;
  return made;
end $$;

-- Drops a partition that was detached and whose week is over; raises for anything else.
create function drop_stream_partition(p_name text) returns void
language plpgsql volatile security definer as $$
begin
  if p_name !~ '^(stream|topic)_events_\d{8}$'
    or exists (select from pg_inherits i where i.inhrelid = to_regclass(p_name))
    or to_date(right(p_name, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '7 days' > now() then
    raise exception '% is not a detached partition of the past', p_name using errcode = 'insufficient_privilege';
  end if;
  execute format('drop table %I', p_name);
end $$;


-- 3. Policies

-- Whom the statement looks for; null: nobody.
create function viewer() returns uuid
language sql stable
return nullif(current_setting('app.user_id', true), '')::uuid;

-- The organizations in which they are active staff.
create function viewer_staffs() returns uuid[]
language sql stable
return array(
  select m.organization_id
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = viewer() and m.role <> 'member' and m.status = 'active' and m.deleted_at is null);

alter table metric_origins enable row level security;
alter table metric_grants enable row level security;

create policy coachwire_seen on metric_origins for select to coachwire_server
  using (member_id = (select viewer()) or organization_id = any ((select viewer_staffs())::uuid[]));
create policy coachwire_recorded on metric_origins for insert to coachwire_server
  with check (
    recorded_by = (select viewer()) and belongs(recorded_by, organization_id)
    and (member_id = recorded_by or (organization_id = any ((select viewer_staffs())::uuid[]) and belongs(member_id, organization_id))));

create policy coachwire_seen on metric_grants for select to coachwire_server
  using (user_id = (select viewer()) or organization_id = any ((select viewer_staffs())::uuid[]));
create policy coachwire_given on metric_grants for insert to coachwire_server
  with check (user_id = (select viewer()) and belongs(user_id, organization_id));
create policy coachwire_changed on metric_grants for update to coachwire_server
  using (user_id = (select viewer()))
  with check (user_id = (select viewer()) and belongs(user_id, organization_id));
create policy coachwire_withdrawn on metric_grants for delete to coachwire_server
  using (user_id = (select viewer()));

create policy coachwire_rows on metric_origins to coachwire_rows using (true) with check (true);
create policy coachwire_rows on metric_grants to coachwire_rows using (true) with check (true);

grant select, update on metric_origins to coachwire_rows;
grant select, delete on metric_grants to coachwire_rows;
grant select on jobs to coachwire_rows;

-- A value's place is asked for by scalar sub-selects: they are looked up one by one, and never made a table of first.
do $$
declare
  v_owner oid := (select relowner from pg_class where oid = 'member_metrics'::regclass);
begin
  if not pg_has_role(v_owner, 'usage') then
    raise warning 'member_metrics belongs to %, row security stays as it is there', v_owner::regrole;
    return;
  end if;
  alter table member_metrics enable row level security;
  create policy coachwire_seen on member_metrics for select to coachwire_server
    using (
      member_id = (select viewer())
      or (select o.organization_id from metric_origins o where o.value_id = member_metrics.id) = any ((select viewer_staffs())::uuid[])
      or (
        select true
        from metric_grants g
        where g.user_id = member_metrics.member_id and g.organization_id = any ((select viewer_staffs())::uuid[])
          and (g.definition_id is null or g.definition_id = member_metrics.definition_id)
          and coalesce(g.from_at <= statement_timestamp(), true) and coalesce(g.until_at > statement_timestamp(), true)
          and belongs(g.user_id, g.organization_id)
        limit 1));
  create policy coachwire_recorded on member_metrics for insert to coachwire_server
    with check (
      (select o.member_id from metric_origins o where o.value_id = member_metrics.id and o.recorded_by = (select viewer())) = member_id);
  create policy coachwire_rows on member_metrics to coachwire_rows using (true) with check (true);
  grant select, insert on member_metrics to coachwire_server;
  grant select, delete on member_metrics to coachwire_rows;
  grant select on metric_definitions to coachwire_rows;
  if v_owner <> (select relowner from pg_class where oid = 'metric_origins'::regclass) then
    -- The platform's own table: whoever else uses it goes on as before.
    create policy coachwire_others on member_metrics to public
      using ((select not pg_has_role(current_user, 'coachwire_server', 'usage')))
      with check ((select not pg_has_role(current_user, 'coachwire_server', 'usage')));
  end if;
end $$;


-- 4. What goes past them: owned by coachwire_rows, run by the server alone

-- What became of each of these ids, as this person may know: 'new'; 'conflict', somebody else's or another value's; 'gone'; null:
-- recorded by them before, with this payload.
create function value_ids_taken(p_actor uuid, p_id uuid[], p_hash bytea[]) returns text[]
language sql stable security definer as $$
  select array_agg(
    case
      when o.value_id is null and (select v.id from member_metrics v where v.id = t.id) is null then 'new'
      when o.value_id is null  -- written past Coachwire
        or o.recorded_by <> p_actor or (o.payload_hash is distinct from t.hash and o.payload_hash is not null) then 'conflict'
      when o.payload_hash is null or (select v.id from member_metrics v where v.id = t.id) is null then 'gone' end
    order by t.ord)
  from unnest(p_id, p_hash) with ordinality t (id, hash, ord)
  left join lateral (select o.* from metric_origins o where o.value_id = t.id offset 0) o on true
$$;


-- Whom a running erasure is about.
create function erased_by(p_job uuid, out user_id uuid, out organization_id uuid)
language plpgsql stable as $$
#variable_conflict use_column
begin
  select j.user_id, j.organization_id into user_id, organization_id
  from jobs j
  where j.id = p_job and j.kind = 'erasure' and j.state = 'running';
  if not found then
    raise exception 'there is no erasure % under way', p_job using errcode = 'insufficient_privilege';
  end if;
end $$;


-- Up to 500 values of whom a running erasure is about: they go, or, in one organization, its view of them. Where they were recorded.
create function erase_recorded(p_job uuid, out ids uuid[], out organizations uuid[])
language plpgsql volatile security definer
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
declare
  v_user uuid;
  v_organization uuid;
begin
  select e.user_id, e.organization_id into v_user, v_organization from erased_by(p_job) e;
  select array_agg(o.value_id), array_agg(o.organization_id) into ids, organizations
  from (
    select o.value_id, o.organization_id
    from metric_origins o
    where o.member_id = v_user
      and case when v_organization is null then o.organization_id is not null or o.payload_hash is not null
        else o.organization_id = v_organization end
    order by o.value_id
    limit 500
    for no key update) o;
  if v_organization is null then
    delete from member_metrics where id = any (ids);
    update metric_origins o set organization_id = null, payload_hash = null where o.value_id = any (ids);
  else
    update metric_origins o set organization_id = null where o.value_id = any (ids);
  end if;
end $$;


-- The rest of them: what was written past Coachwire, and whom they let see. Counts.
create function erase_unrecorded(p_job uuid, out gone_values bigint, out gone_grants bigint)
language plpgsql volatile security definer as $$
declare
  v_user uuid;
begin
  select e.user_id into v_user from erased_by(p_job) e where e.organization_id is null;
  delete from member_metrics where member_id = v_user;
  get diagnostics gone_values = row_count;
  delete from metric_grants where user_id = v_user;
  get diagnostics gone_grants = row_count;
end $$;


-- A page of somebody's values for their export: after (p_at, p_id), a line of JSON each. Only while one is being made.
create function exported_values(p_user uuid, p_at timestamptz, p_id uuid, p_limit int)
returns table (recorded_at timestamptz, id uuid, line text)
language sql stable security definer as $$
  select v.recorded_at, v.id,
    jsonb_build_object(
      'id', v.id, 'definition', d.slug, 'value', v.value::text, 'unit', v.unit, 'recordedAt', v.recorded_at, 'source', v.source,
      'organizationId', o.organization_id)::text
  from member_metrics v
  join metric_definitions d on d.id = v.definition_id
  left join metric_origins o on o.value_id = v.id
  where v.member_id = p_user and (v.recorded_at, v.id) > (p_at, p_id)
    and exists (select from jobs j where j.kind = 'export' and j.user_id = p_user and j.state = 'running')
  order by v.recorded_at, v.id
  limit p_limit
$$;

do $$
declare
  v_function regprocedure;
  v_path text := format('%I, pg_temp', current_schema());
begin
  foreach v_function in array array[
    'value_ids_taken(uuid, uuid[], bytea[])', 'erase_recorded(uuid)', 'erase_unrecorded(uuid)',
    'exported_values(uuid, timestamptz, uuid, int)']::regprocedure[]
  loop
    execute format('alter function %s owner to coachwire_rows', v_function);
  end loop;
  -- No one but the server runs a definer's function, and none finds anything but what it means. (A trigger's is run by nobody.)
  for v_function in
    select p.oid from pg_proc p where p.prosecdef and p.pronamespace = current_schema()::regnamespace
      and pg_has_role(p.proowner, 'usage')
  loop
    execute format('alter function %s set search_path = %s', v_function, v_path);
    execute format('revoke execute on function %s from public', v_function);
    if (select p.prorettype <> 'trigger'::regtype from pg_proc p where p.oid = v_function) then
      execute format('grant execute on function %s to coachwire_server', v_function);
    end if;
  end loop;
end $$;


-- Erasure, as before (migration 0019), with the steps above.

create or replace function erase_values(p_job jobs, out rows int)
language plpgsql volatile as $$
declare
  v_at timestamptz := clock_timestamp();
  v_erased record;
begin
  select * into v_erased from erase_recorded(p_job.id);
  rows := coalesce(cardinality(v_erased.ids), 0);
  perform count_job(p_job.id, 'values', rows);
  perform tell_topics(
    array_agg('metrics:' || m.id), array_agg('metric.erased'::event_kind), array_agg(t.id), array_agg(t.organization), v_at)
  from unnest(v_erased.ids, v_erased.organizations) t (id, organization)
  join memberships m on m.user_id = p_job.user_id and m.organization_id = t.organization
  having count(*) > 0;
end $$;

create or replace function erase_traces(p_job jobs) returns void
language plpgsql volatile as $$
declare
  v_count bigint;
  v_erased record;
begin
  if p_job.organization_id is null then
    delete from devices where user_id = p_job.user_id;
    get diagnostics v_count = row_count;
    perform count_job(p_job.id, 'devices', v_count);
    delete from thread_marks where user_id = p_job.user_id;
    select * into v_erased from erase_unrecorded(p_job.id);
    perform count_job(p_job.id, 'values', v_erased.gone_values);
    perform count_job(p_job.id, 'grants', v_erased.gone_grants);
    delete from metric_sets where member_user_id = p_job.user_id;
    perform erase_uploads(p_job);
    update jobs set state = 'failed', reason = 'erased', finished_at = clock_timestamp()
    where kind = 'export' and user_id = p_job.user_id and state = 'running';
    update blob_garbage set due_at = clock_timestamp() where key like 'exports/' || p_job.user_id || '/%';
    -- (Notifications that wait for them are dropped when they are due: there is nobody.)
  else
    delete from thread_marks k using workout_assignments a
    where k.user_id = p_job.user_id and a.id = k.workout_assignment_id and a.organization_id = p_job.organization_id;
    perform erase_uploads(p_job);
  end if;
end $$;


-- 5. What reads and writes values, with whom it is for

create or replace function record_metrics(
  p_actor uuid, p_organization uuid, p_membership uuid, p_id uuid[], p_definition uuid[], p_value numeric[], p_unit text[],
  p_recorded_at timestamptz[], p_source text[], p_hash bytea[],
  out code text, out place int, out user_id uuid, out positions bigint[],
  out topics text[], out topic_memberships uuid[], out topic_organizations uuid[], out topic_values uuid[], out topic_positions bigint[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_active boolean;
  v_new int[];
  v_taken int;
  v_head bigint;
begin
  perform set_config('app.user_id', p_actor::text, true);
  -- 1. may they, is the id known, does it fit: without a lock
  if not belongs(p_actor, p_organization) then
    code := 'forbidden';
    return;
  end if;
  select s.user_id, s.active and not exists (select from erased_people e where e.user_id = s.user_id) into user_id, v_active
  from metric_subject(p_actor, p_organization, p_membership) s;
  if user_id is null then
    code := 'not_found';
    return;
  end if;
  -- In one look, past what the caller may see: an id that somebody else's value has is taken.
  select (array_agg(x.code order by x.ord) filter (where x.code <> 'new'))[1], min(x.ord) filter (where x.code <> 'new'),
    coalesce(array_agg(x.ord order by x.ord) filter (where x.code = 'new'), '{}')
  into code, place, v_new
  from unnest(value_ids_taken(p_actor, p_id, p_hash)) with ordinality x (code, ord)
  where x.code is not null;
  if code is not null then
    return;
  end if;
  positions := array_fill(null::bigint, array[cardinality(p_id)]);
  if v_new = '{}' then
    code := 'duplicate';
    return;
  end if;
  if not v_active then
    code := 'gone';
    return;
  end if;
  select x.code, x.ord into code, place
  from (
    select t.ord, case
      when d.id is null then 'not_found'
      when t.unit <> all (enum_range(null::metric_unit)::text[]) then 'unknown_unit'
      when t.unit <> d.unit::text and not exists (
        select from metric_units a join metric_units b on b.dimension = a.dimension
        where a.unit = d.unit and b.unit::text = t.unit) then 'unit'
      when t.recorded_at > v_now + interval '5 minutes' then 'future' end as code
    from unnest(p_id, p_definition, p_unit, p_recorded_at) with ordinality t (id, definition, unit, recorded_at, ord)
    left join lateral (select d.* from metric_definitions d where d.id = t.definition offset 0) d on true
    where t.ord = any (v_new)) x
  where x.code is not null
  order by x.ord limit 1;
  if code is not null then
    return;
  end if;

  -- 2. what the foreign keys will lock: without waiting
  if not exists (select from users u where u.id = user_id for key share skip locked)
    or (select count(*) from (
      select from metric_definitions d where d.id = any (p_definition) order by d.id for key share skip locked) d)
      < (select count(distinct d) from unnest(p_definition) d) then
    code := 'unavailable';
    return;
  end if;

  -- 3. the member's stream: from here on their values and grants are serial; rights again
  perform make_streams(array[user_id]);
  select s.position into v_head from user_streams s where s.user_id = record_metrics.user_id for no key update;
  if not exists (select from metric_subject(p_actor, p_organization, p_membership) s where s.active)
    or exists (select from erased_people e where e.user_id = record_metrics.user_id) then
    code := case when belongs(p_actor, p_organization) then 'gone' else 'forbidden' end;
    return;
  end if;

  -- 4. the ids; by id, so that two who meet on the same ones wait in one direction
  with taken as (
    insert into metric_origins (value_id, member_id, organization_id, recorded_by, payload_hash, made_at)
    select p_id[n], user_id, p_organization, p_actor, p_hash[n], v_now from unnest(v_new) n
    order by p_id[n]
    on conflict do nothing
    returning value_id)
  select count(*) into v_taken from taken;
  if v_taken < cardinality(v_new) then
    raise exception 'taken meanwhile' using errcode = 'CW002';  -- nothing of it stays; asked again, the id is known
  end if;

  -- 5. who is told: the member, and what organizations may see, each on the topic of its own membership
  insert into member_metrics (id, member_id, definition_id, value, unit, recorded_at, source)
  select p_id[n], user_id, p_definition[n], p_value[n], p_unit[n]::metric_unit, coalesce(p_recorded_at[n], v_now), p_source[n]
  from unnest(v_new) n
  order by p_id[n];
  update user_streams s set position = v_head + cardinality(v_new) where s.user_id = record_metrics.user_id;
  insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
  select user_id, v_head + t.nth, 'metric.recorded', array[p_id[t.n]], p_organization, v_now
  from unnest(v_new) with ordinality t (n, nth);
  for i in 1 .. cardinality(v_new) loop
    positions[v_new[i]] := v_head + i;
  end loop;
  perform set_config('app.user_id', user_id::text, true);  -- what other organizations may see is not the actor's to know
  select array_agg('metrics:' || m.id order by t.nth, m.id), array_agg(m.id order by t.nth, m.id),
    array_agg(m.organization_id order by t.nth, m.id), array_agg(p_id[t.n] order by t.nth, m.id)
  into topics, topic_memberships, topic_organizations, topic_values
  from unnest(v_new) with ordinality t (n, nth)
  cross join (select m.id, m.organization_id from memberships m where m.user_id = record_metrics.user_id offset 0) m
  where belongs(user_id, m.organization_id) and metric_visible(p_id[t.n], user_id, m.organization_id, p_definition[t.n]);
  topic_positions := tell_topics(
    topics, array_fill('metric.recorded'::event_kind, array[cardinality(topics)]), topic_values, topic_organizations, v_now);
  perform set_config('app.user_id', p_actor::text, true);
  code := 'recorded';
end $$;



-- A member's values as the caller may see them in an organization, newest first: of one definition or all, from p_from
-- through p_to, older than the cursor (p_at, p_id). Each definition's are read by its index, so the page costs the same however
-- many values there are. Whether the caller may is asked again here: no row then, and none is visible.
create function seen_values(
  p_viewer uuid, p_organization uuid, p_membership uuid, p_definition uuid, p_from timestamptz, p_to timestamptz,
  p_at timestamptz, p_id uuid, p_limit int)
returns table (
  id uuid, membership_id uuid, definition_id uuid, value text, unit text, recorded_at timestamptz, source text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  perform set_config('app.user_id', p_viewer::text, true);
  return query
  select v.id, p_membership, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source::text
  from metric_subject(p_viewer, p_organization, p_membership) w
  cross join metric_definitions d
  cross join lateral (select w.own or metric_granted(w.user_id, p_organization, d.id) as all_of_it offset 0) g
  cross join lateral (
    select v.*
    from member_metrics v
    where v.member_id = w.user_id and v.definition_id = d.id
      and v.recorded_at >= coalesce(p_from, '-infinity') and v.recorded_at <= coalesce(p_to, 'infinity')
      and v.recorded_at <= coalesce(p_at, 'infinity')
      and (p_at is null or (v.recorded_at, v.id) < (p_at, p_id))
      and (g.all_of_it or (select o.organization_id from metric_origins o where o.value_id = v.id) = p_organization)
    order by v.recorded_at desc, v.id desc
    limit p_limit) v
  where p_definition is null or d.id = p_definition
  order by v.recorded_at desc, v.id desc
  limit p_limit;
end $$;


-- The newest value of a member in each definition of a set that the caller may see in an organization, in the definition's unit:
-- one row a definition, in order, the value's columns null where there is none. A value of another dimension, written past
-- Coachwire, comes in its own unit. The seed's index gives the newest one of each. No row: the caller may not look, or there is
-- no such set.
create function resolved_set(p_viewer uuid, p_organization uuid, p_membership uuid, p_set uuid)
returns table (
  definition uuid, id uuid, membership_id uuid, definition_id uuid, value text, unit text, recorded_at timestamptz, source text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  perform set_config('app.user_id', p_viewer::text, true);
  return query
  select d.id, v.id, p_membership, v.definition_id, trim_scale(coalesce(c.value, v.value))::text,
    (case when c.value is null then v.unit else d.unit end)::text, v.recorded_at, v.source::text
  from metric_subject(p_viewer, p_organization, p_membership) w
  join metric_set_definitions s on s.set_id = p_set and metric_set_right(p_viewer, p_organization, p_set) is not null
  join metric_definitions d on d.id = s.definition_id
  cross join lateral (select w.own or metric_granted(w.user_id, p_organization, d.id) as all_of_it offset 0) g
  left join lateral (
    select v.*
    from member_metrics v
    where v.member_id = w.user_id and v.definition_id = d.id
      and (g.all_of_it or (select o.organization_id from metric_origins o where o.value_id = v.id) = p_organization)
    order by v.recorded_at desc, v.id desc
    limit 1) v on true
  left join lateral (select metric_convert(v.value, v.unit, d.unit) as value offset 0) c on true
  order by s.sort_order, s.definition_id;
end $$;


-- The exercises of a workout, in order, for a member, as the caller may see their values in an organization. A load in percent
-- of a one-rep maximum stands in the prescription as {"percent_1rm": 80} or {"load": {"type": "percent_1rm", "value": 80}};
-- "metric" beside it names the definition by slug or id, else the exercise's name does: "Back squat" is back_squat_1rm. The columns
-- from the definition's unit on are null where no load can be worked out.
create function prescribed_loads(p_viewer uuid, p_organization uuid, p_membership uuid, p_workout uuid)
returns table (
  movement_id uuid, name text, sort_order int, prescription text, percent text, load text, load_unit text,
  id uuid, membership_id uuid, definition_id uuid, value text, unit text, recorded_at timestamptz, source text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  perform set_config('app.user_id', p_viewer::text, true);
  return query
  select
    m.id, m.name::text, m.sort_order, m.prescription::text, trim_scale(p.percent)::text, trim_scale(round(p.percent * c.value * 0.01, 4))::text,
    d.unit::text, v.id, p_membership, v.definition_id, trim_scale(c.value)::text, d.unit::text, v.recorded_at, v.source::text
  from workout_movements m
  cross join lateral (
    select
      case when jsonb_typeof(x.percent) = 'number' and (x.percent)::numeric between 0 and 1000 then (x.percent)::numeric end as percent,
      coalesce(m.prescription ->> 'metric', m.prescription -> 'load' ->> 'metric') as metric
    from (
      select coalesce(
        m.prescription -> 'percent_1rm', m.prescription -> 'load' -> 'percent_1rm',
        case when m.prescription -> 'load' ->> 'type' = 'percent_1rm' then m.prescription -> 'load' -> 'value' end) as percent
      offset 0) x
    offset 0) p
  left join lateral (
    select d.id, d.unit
    from metric_definitions d
    where p.percent is not null and case
      when p.metric is null then d.slug = trim('_' from lower(regexp_replace(m.name, '[^[:alnum:]]+', '_', 'g'))) || '_1rm'
      else d.slug = p.metric or d.id::text = p.metric end
    order by d.slug = p.metric desc nulls last
    limit 1) d on true
  left join metric_subject(p_viewer, p_organization, p_membership) w on true
  left join lateral (select w.own or metric_granted(w.user_id, p_organization, d.id) as all_of_it offset 0) g on true
  left join lateral (
    select v.*
    from member_metrics v
    where v.member_id = w.user_id and v.definition_id = d.id
      and (g.all_of_it or (select o.organization_id from metric_origins o where o.value_id = v.id) = p_organization)
    order by v.recorded_at desc, v.id desc
    limit 1) v on true
  left join lateral (select metric_convert(v.value, v.unit, d.unit) as value offset 0) c on true
  where m.workout_id = p_workout
  order by m.sort_order, m.id;
end $$;


-- These values as they are shown under a membership to the caller, in the order asked; those that are gone are left out.
create function values_shown(p_viewer uuid, p_membership uuid, p_id uuid[])
returns table (
  id uuid, membership_id uuid, definition_id uuid, value text, unit text, recorded_at timestamptz, source text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  perform set_config('app.user_id', p_viewer::text, true);
  return query
  select v.id, p_membership, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source::text
  from unnest(p_id) with ordinality t (id, ord)
  join member_metrics v on v.id = t.id
  order by t.ord;
end $$;


-- A person's grants, newest first, before the cursor (p_at, p_id).
create function grants_given(p_user uuid, p_at timestamptz, p_id uuid, p_limit int)
returns table (
  id uuid, organization_id uuid, definition_id uuid, from_at timestamptz, until_at timestamptz, given_at timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  perform set_config('app.user_id', p_user::text, true);
  return query
  select g.id, g.organization_id, g.definition_id, g.from_at, g.until_at, g.given_at
  from metric_grants g
  where g.user_id = p_user and (p_at is null or (g.given_at, g.id) < (p_at, p_id))
  order by g.given_at desc, g.id desc
  limit p_limit;
end $$;


-- The values that these events on their members' own streams are about (parallel arrays), a row each, `ord` in the order asked;
-- all other columns are null for a value that is gone. Each member's are read for that member.
create function values_told(p_user uuid[], p_organization uuid[], p_id uuid[])
returns table (
  ord bigint, id uuid, membership_id uuid, definition_id uuid, value text, unit text, recorded_at timestamptz, source text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  asked record;
begin
  for asked in
    select t.user_id, array_agg(t.ord) as ords, array_agg(t.organization_id) as organizations, array_agg(t.id) as ids
    from unnest(p_user, p_organization, p_id) with ordinality t (user_id, organization_id, id, ord)
    group by t.user_id
  loop
    perform set_config('app.user_id', asked.user_id::text, true);
    return query
    select t.ord, v.id, m.id, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source::text
    from unnest(asked.ords, asked.organizations, asked.ids) t (ord, organization_id, id)
    left join member_metrics v on v.id = t.id and v.member_id = asked.user_id
    left join memberships m on v.id is not null and m.user_id = asked.user_id and m.organization_id = t.organization_id;
  end loop;
  perform set_config('app.user_id', '', true);
end $$;


-- The values that events on topics are about (the membership, its organization, the value: parallel arrays), a row each, `ord` in
-- the order asked, as the organization may see them now; all other columns are null for a value that is gone, or not to be seen
-- there (any more). They are read for the member whose topic it is, who sees all; the rule is asked of each.
create function values_watched(p_membership uuid[], p_organization uuid[], p_id uuid[])
returns table (
  ord bigint, id uuid, membership_id uuid, definition_id uuid, value text, unit text, recorded_at timestamptz, source text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  asked record;
begin
  for asked in
    select m.user_id, array_agg(t.ord) as ords, array_agg(m.id) as memberships, array_agg(t.organization_id) as organizations,
      array_agg(t.id) as ids
    from unnest(p_membership, p_organization, p_id) with ordinality t (membership_id, organization_id, id, ord)
    left join memberships m on m.id = t.membership_id and m.organization_id = t.organization_id
    group by m.user_id
  loop
    perform set_config('app.user_id', coalesce(asked.user_id::text, ''), true);
    return query
    select t.ord, v.id, t.membership_id, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source::text
    from unnest(asked.ords, asked.memberships, asked.organizations, asked.ids) t (ord, membership_id, organization_id, id)
    left join lateral (
      select v.*
      from member_metrics v
      where v.id = t.id and v.member_id = asked.user_id and metric_visible(v.id, v.member_id, t.organization_id, v.definition_id)
      offset 0) v on true;
  end loop;
  perform set_config('app.user_id', '', true);
end $$;


-- 6. What was needed to hand over is needed no more.
do $$
begin
  execute format('revoke create on schema %I from coachwire_server, coachwire_rows', current_schema());
exception when insufficient_privilege then
  null;  -- an administrator gave it, and takes it back
end $$;
