-- Metrics: more units and kinds, where a value was recorded, who else may see it, and the functions that write.
-- What may be measured comes in 0017: a value that was added to an enum can be used only once that is committed.

do $$
declare
  wanted record;
begin
  for wanted in
    select name, label
    from (values
      ('metric_unit', array['milliseconds', 'minutes', 'hours', 'meters', 'kilometers', 'miles', 'yards', 'feet', 'cm', 'inches',
        'reps', 'count', 'watts', 'watts_per_kg', 'bpm', 'kcal', 'kj', 'm/s', 'km/h', 'mph', 'ml/kg/min', 'mmhg', 'points']),
      ('metric_kind', array['rep_max', 'reps', 'power', 'heart_rate', 'speed', 'endurance', 'energy', 'count', 'health'])) t (name, labels)
    cross join lateral unnest(labels) label
    where label <> all (array(select e.enumlabel::text from pg_enum e where e.enumtypid = to_regtype(name)))
  loop
    begin
      execute format('alter type %I add value if not exists %L', wanted.name, wanted.label);
    exception when insufficient_privilege then
      raise exception 'let the owner of the type % run: alter type % add value %', wanted.name, wanted.name, quote_literal(wanted.label);
    end;
  end loop;
end $$;

-- Which units measure the same, and how many of the dimension's base unit one of them is, exactly. A unit that is not here
-- converts into none.
create table metric_units (
  unit metric_unit primary key,
  dimension text not null,
  factor numeric not null check (factor > 0)
);

-- Where a value was recorded; it holds the value's id for ever (recorded once). No row: written past Coachwire, and then
-- nobody but the person sees it. No foreign keys: these rows outlive the value, that is what they are for.
create table metric_origins (
  value_id uuid primary key,
  member_id uuid not null,
  organization_id uuid,  -- null: erased there
  recorded_by uuid not null,
  payload_hash bytea,  -- SHA-256 of what was asked; null: erased
  made_at timestamptz not null
);
create index metric_origins_member_idx on metric_origins (member_id);

-- What a person lets an organization see beyond what was recorded in it.
create table metric_grants (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  organization_id uuid not null,
  definition_id uuid,  -- null: all
  from_at timestamptz,  -- null: at once
  until_at timestamptz,  -- null: until it is withdrawn
  given_at timestamptz not null default clock_timestamp(),
  constraint metric_grants_one_key unique nulls not distinct (user_id, organization_id, definition_id)
);


-- A value in another unit of its dimension, rounded half up to four places; null when there is no way. Exact: the quotient
-- is taken in whole numbers, so that nothing is rounded twice.
create function metric_convert(p_value numeric, p_from metric_unit, p_to metric_unit) returns numeric
language sql stable
return case when p_from = p_to then p_value else (
  select div(20000 * p_value * a.factor + b.factor, 2 * b.factor) * 0.0001
  from metric_units a
  join metric_units b on b.dimension = a.dimension
  where a.unit = p_from and b.unit = p_to) end;


-- Whether a person lets an organization see now what was recorded elsewhere of this definition. It ends with their membership.
create function metric_granted(p_user uuid, p_organization uuid, p_definition uuid) returns boolean
language sql stable
return exists (
  select from metric_grants g
  where g.user_id = p_user and g.organization_id = p_organization and (g.definition_id is null or g.definition_id = p_definition)
    and coalesce(g.from_at <= statement_timestamp(), true) and coalesce(g.until_at > statement_timestamp(), true)
    and belongs(p_user, p_organization));


-- Whether an organization may see a value.
create function metric_visible(p_value uuid, p_user uuid, p_organization uuid, p_definition uuid) returns boolean
language sql stable
return exists (select from metric_origins o where o.value_id = p_value and o.organization_id = p_organization)
  or metric_granted(p_user, p_organization, p_definition);


-- Whose values this caller may look at through a membership of the organization: staff everybody's, members their own.
-- No row: no such membership, or not theirs to see. `own`: then all values, wherever they were recorded.
create function metric_subject(p_viewer uuid, p_organization uuid, p_membership uuid)
returns table (user_id uuid, own boolean, active boolean)
language sql stable
begin atomic
  select n.user_id, n.user_id = p_viewer, n.status = 'active'
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  join memberships n on n.organization_id = m.organization_id and n.id = p_membership and n.deleted_at is null
  join users u on u.id = n.user_id and u.deleted_at is null
  where m.user_id = p_viewer and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null
    and (n.user_id = p_viewer or m.role <> 'member');
end;


-- Records values of one member, all or none. Parallel arrays, ids distinct, at most 100. code:
--   recorded (positions: in the member's stream, null for values that were recorded before; topic_*: what topics were told)
--   duplicate (all of them were recorded before by this caller, with this payload)
--   unavailable (what a foreign key needs is held)
--   or why not, `place` says which value is meant where it is one:
--   forbidden | not_found (place null: the membership; else the definition) | gone (membership not active; place: value erased)
--   conflict (the id is taken) | unit (of another dimension) | unknown_unit | future (more than five minutes ahead)
-- Lock order: users, definitions → the member's stream → origins by id → topics → new rows.
create function record_metrics(
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
  -- In one look: what is new and what is known must be of the same moment.
  select (array_agg(x.code order by x.ord) filter (where x.code <> 'new'))[1], min(x.ord) filter (where x.code <> 'new'),
    coalesce(array_agg(x.ord order by x.ord) filter (where x.code = 'new'), '{}')
  into code, place, v_new
  from (
    select t.ord, case
      when o.value_id is null and (select v.id from member_metrics v where v.id = t.id) is null then 'new'
      when o.value_id is null  -- written past Coachwire
        or o.recorded_by <> p_actor or (o.payload_hash is distinct from t.hash and o.payload_hash is not null) then 'conflict'
      when o.payload_hash is null or (select v.id from member_metrics v where v.id = t.id) is null then 'gone' end as code
    from unnest(p_id, p_hash) with ordinality t (id, hash, ord)
    left join lateral (select o.* from metric_origins o where o.value_id = t.id offset 0) o on true) x
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
  select array_agg('metrics:' || m.id order by t.nth, m.id), array_agg(m.id order by t.nth, m.id),
    array_agg(m.organization_id order by t.nth, m.id), array_agg(p_id[t.n] order by t.nth, m.id)
  into topics, topic_memberships, topic_organizations, topic_values
  from unnest(v_new) with ordinality t (n, nth)
  cross join (select m.id, m.organization_id from memberships m where m.user_id = record_metrics.user_id offset 0) m
  where belongs(user_id, m.organization_id) and metric_visible(p_id[t.n], user_id, m.organization_id, p_definition[t.n]);
  topic_positions := tell_topics(
    topics, array_fill('metric.recorded'::event_kind, array[cardinality(topics)]), topic_values, topic_organizations, v_now);
  code := 'recorded';
end $$;


-- Gives a grant, changes it, or withdraws it (p_give false). code:
--   done | forbidden (given to an organization in which the person is not active) | not_found (the definition; nothing to withdraw)
-- What the organization may not see any more is told on the topic of the membership, in events of at most 500 values: `ids` has
-- all of them in order, `sizes` how many belong to each of `positions`.
create function change_metric_grant(
  p_user uuid, p_organization uuid, p_definition uuid, p_give boolean, p_from timestamptz, p_until timestamptz,
  out code text, out membership_id uuid, out topic text, out positions bigint[], out sizes int[], out ids uuid[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_before uuid[];
  v_head bigint;
begin
  code := case
    when p_give and not belongs(p_user, p_organization) then 'forbidden'
    when p_give and p_definition is not null and unknown_definition(array[p_definition]) is not null then 'not_found' end;
  if code is not null then
    return;
  end if;

  -- 1. the person's stream: values are told under the same lock, so what is hidden now was told before or never is
  perform make_streams(array[p_user]);
  perform from user_streams s where s.user_id = p_user for no key update;
  v_before := array(
    select d.id from metric_definitions d
    where d.id = coalesce(p_definition, d.id) and metric_granted(p_user, p_organization, d.id));

  -- 2. the grant
  if p_give then
    insert into metric_grants (user_id, organization_id, definition_id, from_at, until_at)
    values (p_user, p_organization, p_definition, p_from, p_until)
    on conflict on constraint metric_grants_one_key do update set from_at = p_from, until_at = p_until;
  else
    delete from metric_grants g
    where g.user_id = p_user and g.organization_id = p_organization and g.definition_id is not distinct from p_definition;
    if not found then
      code := 'not_found';
      return;
    end if;
  end if;
  code := 'done';

  -- 3. what is hidden by that
  select m.id into membership_id from memberships m where m.user_id = p_user and m.organization_id = p_organization;
  ids := array(
    select v.id
    from unnest(v_before) d (id)
    cross join lateral (
      select v.id from member_metrics v where v.member_id = p_user and v.definition_id = d.id
      order by v.recorded_at desc) v
    where not metric_visible(v.id, p_user, p_organization, d.id));
  if ids = '{}' or membership_id is null then
    return;
  end if;
  topic := 'metrics:' || membership_id;
  insert into topic_streams (topic) values (topic) on conflict do nothing;
  select s.position into v_head from topic_streams s where s.topic = change_metric_grant.topic for no key update;
  select array_agg(v_head + n + 1 order by n), array_agg(cardinality(ids[n * 500 + 1 : n * 500 + 500]) order by n)
  into positions, sizes
  from generate_series(0, (cardinality(ids) - 1) / 500) n;
  insert into topic_events (topic, position, kind, subject_ids, organization_id, at)
  select topic, v_head + n + 1, 'metric.erased', ids[n * 500 + 1 : n * 500 + 500], p_organization, v_now
  from generate_series(0, (cardinality(ids) - 1) / 500) n;
  update topic_streams s set position = v_head + cardinality(positions) where s.topic = change_metric_grant.topic;
end $$;


-- Whether a member may see a workout: one that is assigned to them, and published.
create function assigned_workout(p_user uuid, p_organization uuid, p_workout uuid) returns boolean
language sql stable
return exists (
  select from workout_assignments a
  where a.user_id = p_user and a.organization_id = p_organization and a.published and a.deleted_at is null
    and coalesce(a.snapshot_workout_id, a.workout_id) = p_workout);


-- What a caller may do with a set in an organization: 'write', 'read', or null, which is as if it were not there. Staff write
-- the organization's and its workouts' sets and read those of its active members; members write their own, and read the
-- organization's and those of workouts that are assigned to them.
create function metric_set_right(p_viewer uuid, p_organization uuid, p_set uuid) returns text
language sql stable
return (
  select case
    when s.organization_id = p_organization then case when m.role = 'member' then 'read' else 'write' end
    when s.workout_id is not null then
      case
        when not exists (select from workouts w where w.id = s.workout_id and w.organization_id = p_organization and w.deleted_at is null)
          then null
        when m.role <> 'member' then 'write'
        when assigned_workout(p_viewer, p_organization, s.workout_id) then 'read' end
    when s.member_user_id = p_viewer then 'write'
    when m.role <> 'member' and belongs(s.member_user_id, p_organization) then 'read' end
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  join metric_sets s on s.id = p_set
  where m.user_id = p_viewer and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null);


-- Makes a set with its definitions in order (distinct; exactly one owner: checked at the door). code:
--   made | conflict (the id is taken) | not_found (the owner, as far as the caller may see; place: that definition)
--   forbidden (no active membership, or not theirs to make)
create function make_metric_set(
  p_id uuid, p_actor uuid, p_organization uuid, p_name text, p_membership uuid, p_workout uuid, p_definitions uuid[],
  out code text, out place int)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  v_role text;
  v_user uuid;
begin
  select m.role::text into v_role from memberships m
  where m.user_id = p_actor and m.organization_id = p_organization and belongs(p_actor, p_organization);
  if p_membership is not null then
    select s.user_id into v_user from metric_subject(p_actor, p_organization, p_membership) s;
  end if;
  code := case
    when v_role is null then 'forbidden'
    when p_membership is not null then case when v_user is null then 'not_found' when v_user <> p_actor then 'forbidden' end
    when p_workout is not null then
      case
        when not exists (select from workouts w where w.id = p_workout and w.organization_id = p_organization and w.deleted_at is null)
          or (v_role = 'member' and not assigned_workout(p_actor, p_organization, p_workout)) then 'not_found'
        when v_role = 'member' then 'forbidden' end
    when v_role = 'member' then 'forbidden' end;
  if code is not null then
    return;
  end if;
  place := unknown_definition(p_definitions);
  if place is not null then
    code := 'not_found';
    return;
  end if;
  insert into metric_sets (id, name, member_user_id, workout_id, organization_id)
  values (p_id, p_name, v_user, p_workout, case when v_user is null and p_workout is null then p_organization end)
  on conflict do nothing;
  if not found then
    code := 'conflict';
    return;
  end if;
  insert into metric_set_definitions (set_id, definition_id, sort_order)
  select p_id, t.id, t.ord from unnest(p_definitions) with ordinality t (id, ord);
  code := 'made';
end $$;


-- Renames a set, or gives it other definitions, or another order; null leaves as it is. code:
--   changed | forbidden | not_found (place: that definition)
create function change_metric_set(
  p_id uuid, p_actor uuid, p_organization uuid, p_name text, p_definitions uuid[], out code text, out place int)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  code := metric_set_refusal(p_actor, p_organization, p_id);
  if code is not null then
    return;
  end if;
  place := unknown_definition(p_definitions);
  perform from metric_sets s where s.id = p_id for no key update;
  if place is not null or not found then
    code := 'not_found';
    return;
  end if;
  update metric_sets s set name = p_name where s.id = p_id and p_name is not null;
  if p_definitions is not null then
    delete from metric_set_definitions d where d.set_id = p_id and d.definition_id <> all (p_definitions);
    insert into metric_set_definitions (set_id, definition_id, sort_order)
    select p_id, t.id, t.ord from unnest(p_definitions) with ordinality t (id, ord)
    on conflict (set_id, definition_id) do update set sort_order = excluded.sort_order;
  end if;
  code := 'changed';
end $$;


-- Removes a set. code: removed | forbidden | not_found
create function remove_metric_set(p_id uuid, p_actor uuid, p_organization uuid, out code text)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  code := metric_set_refusal(p_actor, p_organization, p_id);
  if code is not null then
    return;
  end if;
  delete from metric_sets s where s.id = p_id;
  code := case when found then 'removed' else 'not_found' end;
end $$;


-- Why a caller may not write a set: null when they may.
create function metric_set_refusal(p_actor uuid, p_organization uuid, p_set uuid) returns text
language sql stable
return case
  when not belongs(p_actor, p_organization) then 'forbidden'
  else (
    select case x.may when 'write' then null when 'read' then 'forbidden' else 'not_found' end
    from (select metric_set_right(p_actor, p_organization, p_set) as may) x) end;


-- The first of these that is no definition, from 1; null when all are, or none was given.
create function unknown_definition(p_definitions uuid[]) returns int
language sql stable
return (
  select min(t.ord)::int from unnest(p_definitions) with ordinality t (id, ord)
  where not exists (select from metric_definitions d where d.id = t.id));
