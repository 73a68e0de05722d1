-- Grants end: when their time passes, or with the membership. Then what the organization saw by them is taken back as a
-- withdrawal takes it back, and never again is anything seen by the same grant: who comes back gives a new one.

alter table metric_grants
  add column ended boolean not null default false;  -- and that was told; else it is still to be told once until_at has passed

-- What passed before this migration ended without a word; nothing that was on a screen then is there now.
update metric_grants set ended = true where until_at <= now();

-- A person who is not active somewhere now has left.
update metric_grants set ended = true, until_at = least(until_at, now()) where not ended and not belongs(user_id, organization_id);

create index metric_grants_until_idx on metric_grants (until_at) where until_at is not null and not ended;


-- Whether a person lets an organization see now what was recorded elsewhere of this definition. It ends with their membership.
create or replace function metric_granted(p_user uuid, p_organization uuid, p_definition uuid) returns boolean
language sql stable
return exists (
  select from metric_grants g
  where g.user_id = p_user and g.organization_id = p_organization and (g.definition_id is null or g.definition_id = p_definition)
    and not g.ended
    and coalesce(g.from_at <= statement_timestamp(), true) and coalesce(g.until_at > statement_timestamp(), true)
    and belongs(p_user, p_organization));

-- The same, as the policy on values asks it (migration 0023; where the table is a platform's, there may be none).
do $$
begin
  if exists (select from pg_policy p where p.polrelid = 'member_metrics'::regclass and p.polname = 'coachwire_seen') then
    alter policy coachwire_seen on member_metrics
      using (
        member_id = (select viewer())
        or (select o.organization_id from metric_origins o where o.value_id = member_metrics.id) = any ((select viewer_staffs())::uuid[])
        or (
          select true
          from metric_grants g
          where g.user_id = member_metrics.member_id and g.organization_id = any ((select viewer_staffs())::uuid[])
            and (g.definition_id is null or g.definition_id = member_metrics.definition_id)
            and not g.ended
            and coalesce(g.from_at <= statement_timestamp(), true) and coalesce(g.until_at > statement_timestamp(), true)
            and belongs(g.user_id, g.organization_id)
          limit 1));
  end if;
end $$;


-- A membership that is not active any more ends what was granted by it, in the same transaction: whoever comes back, however
-- soon, has granted nothing. It is told later, as a time that passed is. Also when nobody is to be told of the change itself
-- (coachwire.quiet). Disjoint from what `end_metric_grants` changes: here only what is in effect, there only what is not.
create function end_grants_of_memberships() returns trigger
language plpgsql volatile security definer
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  update metric_grants g
  set until_at = clock_timestamp()
  from changed c
  where (tg_op = 'DELETE' or c.status <> 'active' or c.deleted_at is not null)
    and g.user_id = c.user_id and g.organization_id = c.organization_id
    and not g.ended and coalesce(g.until_at > clock_timestamp(), true);
  return null;
end $$;

create trigger coachwire_grants_updated after update on memberships
  referencing new table as changed for each statement execute function end_grants_of_memberships();
create trigger coachwire_grants_deleted after delete on memberships
  referencing old table as changed for each statement execute function end_grants_of_memberships();

-- Takes back what an organization saw of these definitions and may not see any more: told on the topic of the membership, in
-- events of at most 500 values. `ids` has all of them in order, `sizes` how many belong to each of `positions`; null when there
-- is nothing, or no membership. Under the lock of the person's stream.
create function hide_values(
  p_user uuid, p_organization uuid, p_definitions uuid[],
  out membership_id uuid, out topic text, out positions bigint[], out sizes int[], out ids uuid[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_head bigint;
begin
  select m.id into membership_id from memberships m where m.user_id = p_user and m.organization_id = p_organization;
  if membership_id is null then
    return;
  end if;
  ids := array(
    select v.id
    from (select d.id from unnest(p_definitions) d (id) where not metric_granted(p_user, p_organization, d.id) offset 0) d
    cross join lateral (
      select v.id from member_metrics v
      where v.member_id = p_user and v.definition_id = d.id
        and (select o.organization_id from metric_origins o where o.value_id = v.id) is distinct from p_organization
      order by v.recorded_at desc) v);
  if ids = '{}' then
    ids := null;
    return;
  end if;
  topic := 'metrics:' || membership_id;
  insert into topic_streams (topic) values (topic) on conflict do nothing;
  select s.position into v_head from topic_streams s where s.topic = hide_values.topic for no key update;
  select array_agg(v_head + n + 1 order by n), array_agg(cardinality(ids[n * 500 + 1 : n * 500 + 500]) order by n)
  into positions, sizes
  from generate_series(0, (cardinality(ids) - 1) / 500) n;
  insert into topic_events (topic, position, kind, subject_ids, organization_id, at)
  select topic, v_head + n + 1, 'metric.erased', ids[n * 500 + 1 : n * 500 + 500], p_organization, clock_timestamp()
  from generate_series(0, (cardinality(ids) - 1) / 500) n;
  update topic_streams s set position = v_head + cardinality(positions) where s.topic = hide_values.topic;
end $$;


-- The definitions that an organization saw by grants that were not taken back yet, whether they are in effect or not any more.
create function shown_definitions(p_user uuid, p_organization uuid) returns uuid[]
language sql stable
return array(
  select d.id from metric_definitions d
  where exists (
    select from metric_grants g
    where g.user_id = p_user and g.organization_id = p_organization and coalesce(g.definition_id = d.id, true)
      and not g.ended and coalesce(g.from_at <= statement_timestamp(), true)));


-- Who has grants whose end is to be told now, those that wait longest first; and in how many seconds the next one ends that is
-- known (null: none is). Past row security: whose they are is what is asked for.
create function due_metric_grants(p_most int, out users uuid[], out next_in double precision)
language sql volatile security definer
set enable_seqscan = off
as $$
  select
    array(
      select g.user_id from (
        select g.user_id, g.until_at from metric_grants g
        where g.until_at is not null and not g.ended and g.until_at <= clock_timestamp()
        order by g.until_at
        limit p_most) g
      group by g.user_id
      order by min(g.until_at)),
    (select extract(epoch from g.until_at - clock_timestamp())::float8 from metric_grants g
      where g.until_at is not null and not g.ended and g.until_at > clock_timestamp()
      order by g.until_at
      limit 1)
$$;


-- Marks what a person granted an organization, and whose time has passed, as ended; how many. Past row security, which lets
-- nobody change what they granted where they are active no more.
create function end_passed_grants(p_user uuid, p_organization uuid) returns int
language plpgsql volatile security definer
set enable_seqscan = off
as $$
declare
  v_count int;
begin
  update metric_grants g set ended = true
  where g.user_id = p_user and g.organization_id = p_organization and not g.ended and g.until_at <= statement_timestamp();
  get diagnostics v_count = row_count;
  return v_count;
end $$;

do $$
declare
  v_function regprocedure;
begin
  foreach v_function in array array[
    'end_grants_of_memberships()', 'due_metric_grants(int)', 'end_passed_grants(uuid, uuid)']::regprocedure[]
  loop
    execute format('alter function %s set search_path = %I, pg_temp', v_function, current_schema());
    execute format('revoke execute on function %s from public', v_function);
    if v_function <> 'end_grants_of_memberships()'::regprocedure then
      execute format('grant execute on function %s to coachwire_server', v_function);
    end if;
  end loop;
end $$;


-- Gives a grant, changes it, or withdraws it (p_give false). code:
--   done | forbidden (given to an organization in which the person is not active) | not_found (the definition; nothing to withdraw)
--   unavailable (the membership is being changed)
-- What the organization may not see any more is told: see hide_values.
-- Lock order: the membership → the person's stream → the grant → the topic.
create or replace function change_metric_grant(
  p_user uuid, p_organization uuid, p_definition uuid, p_give boolean, p_from timestamptz, p_until timestamptz,
  out code text, out membership_id uuid, out topic text, out positions bigint[], out sizes int[], out ids uuid[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_shown uuid[];
begin
  perform set_config('app.user_id', p_user::text, true);
  code := case
    when p_give and not belongs(p_user, p_organization) then 'forbidden'
    when p_give and p_definition is not null and unknown_definition(array[p_definition]) is not null then 'not_found' end;
  if code is not null then
    return;
  end if;

  -- 1. the membership stays as it is until the grant is there: whoever ends it then finds the grant
  if p_give then
    perform from memberships m
    where m.user_id = p_user and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null
    for share skip locked;
    if not found then
      code := case when belongs(p_user, p_organization) then 'unavailable' else 'forbidden' end;
      return;
    end if;
  end if;

  -- 2. the person's stream: values are told under the same lock, so what is hidden now was told before or never is
  perform make_streams(array[p_user]);
  perform from user_streams s where s.user_id = p_user for no key update;
  v_shown := shown_definitions(p_user, p_organization);

  -- 3. the grant
  if p_give then
    insert into metric_grants (user_id, organization_id, definition_id, from_at, until_at)
    values (p_user, p_organization, p_definition, p_from, p_until)
    on conflict on constraint metric_grants_one_key do update set from_at = p_from, until_at = p_until, ended = false;
  else
    delete from metric_grants g
    where g.user_id = p_user and g.organization_id = p_organization and g.definition_id is not distinct from p_definition;
    if not found then
      code := 'not_found';
      return;
    end if;
  end if;
  code := 'done';

  -- 4. what is hidden by that, and by times that have passed
  perform end_passed_grants(p_user, p_organization);
  select h.membership_id, h.topic, h.positions, h.sizes, h.ids into membership_id, topic, positions, sizes, ids
  from hide_values(p_user, p_organization, v_shown) h;
end $$;


-- Ends a person's grants whose time has passed, and tells it: exactly once, for both are one transaction, and by one instance,
-- for the person's stream is locked. `busy`: somebody else has it, a little later then. A topic has got events after
-- `topic_afters` through `topic_throughs`. What was recorded between the end and this moment may be among the ids.
create function end_metric_grants(
  p_user uuid, out busy boolean, out ended int, out topics text[], out topic_afters bigint[], out topic_throughs bigint[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_one record;
  v_hidden record;
begin
  perform set_config('app.user_id', p_user::text, true);
  perform from user_streams s where s.user_id = p_user for no key update skip locked;
  busy := not found;
  ended := 0;
  if busy then
    return;
  end if;
  for v_one in
    select d.organization_id, shown_definitions(p_user, d.organization_id) as definitions
    from (
      select distinct g.organization_id from metric_grants g
      where g.user_id = p_user and not g.ended and g.until_at <= statement_timestamp()) d
    left join memberships m on m.user_id = p_user and m.organization_id = d.organization_id
    order by 'metrics:' || m.id
  loop
    ended := ended + end_passed_grants(p_user, v_one.organization_id);
    select * into v_hidden from hide_values(p_user, v_one.organization_id, v_one.definitions);
    if v_hidden.positions is not null then
      topics := topics || v_hidden.topic;
      topic_afters := topic_afters || v_hidden.positions[1] - 1;
      topic_throughs := topic_throughs || v_hidden.positions[cardinality(v_hidden.positions)];
    end if;
  end loop;
end $$;


-- Of which definitions a person lets an organization see now what was recorded elsewhere: metric_granted for all at once.
create function granted_definitions(p_user uuid, p_organization uuid) returns uuid[]
language sql stable
return array(
  select d.id
  from metric_grants g
  join metric_definitions d on coalesce(g.definition_id = d.id, true)
  where g.user_id = p_user and g.organization_id = p_organization
    and not g.ended
    and coalesce(g.from_at <= statement_timestamp(), true) and coalesce(g.until_at > statement_timestamp(), true)
    and belongs(p_user, p_organization));


-- As before (0023), and cheaper. Times are compared with variables: under row security an index is searched only by what cannot
-- tell a value to anybody, and an expression such as coalesce might, for all that the planner knows. And a page of all definitions
-- looks at the newest few of each first: where the page would end if there were no more is where it ends at the latest, so no
-- definition is read further back than that.
create or replace function seen_values(
  p_viewer uuid, p_organization uuid, p_membership uuid, p_definition uuid, p_from timestamptz, p_to timestamptz,
  p_at timestamptz, p_id uuid, p_limit int)
returns table (
  id uuid, membership_id uuid, definition_id uuid, value text, unit text, recorded_at timestamptz, source text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_user uuid;
  v_own boolean;
  v_granted uuid[];
  v_definitions uuid[] := array[p_definition];
  v_oldest timestamptz := coalesce(p_from, '-infinity');
  v_newest timestamptz := least(p_to, p_at, 'infinity');
  v_end timestamptz;
begin
  perform set_config('app.user_id', p_viewer::text, true);
  select w.user_id, w.own, granted_definitions(w.user_id, p_organization)
  into v_user, v_own, v_granted
  from metric_subject(p_viewer, p_organization, p_membership) w;
  if not found then
    return;
  end if;
  if p_definition is null then
    v_definitions := array(select d.id from metric_definitions d);
    select v.recorded_at into v_end
    from unnest(v_definitions) d (id)
    cross join lateral (
      select v.recorded_at
      from member_metrics v
      where v.member_id = v_user and v.definition_id = d.id and v.recorded_at >= v_oldest and v.recorded_at <= v_newest
        and (p_at is null or (v.recorded_at, v.id) < (p_at, p_id))
        and (v_own or d.id = any (v_granted)
          or (select o.organization_id from metric_origins o where o.value_id = v.id) = p_organization)
      order by v.recorded_at desc
      limit 4) v
    order by v.recorded_at desc
    offset p_limit - 1 limit 1;
    v_oldest := coalesce(v_end, v_oldest);
  end if;
  return query
  select v.id, p_membership, v.definition_id, trim_scale(v.value)::text, v.unit::text, v.recorded_at, v.source::text
  from unnest(v_definitions) d (id)
  cross join lateral (
    select v.*
    from member_metrics v
    where v.member_id = v_user and v.definition_id = d.id and v.recorded_at >= v_oldest and v.recorded_at <= v_newest
      and (p_at is null or (v.recorded_at, v.id) < (p_at, p_id))
      and (v_own or d.id = any (v_granted)
        or (select o.organization_id from metric_origins o where o.value_id = v.id) = p_organization)
    order by v.recorded_at desc, v.id desc
    limit p_limit) v
  order by v.recorded_at desc, v.id desc
  limit p_limit;
end $$;
