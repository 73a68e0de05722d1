-- Comments on exercises: what the server keeps beside the platform's table, who may see them, the statements behind
-- comment.create, comment.edit and comment.delete, what is told when the platform takes rows away, and the fork of a workout.

-- One row a comment, never removed: it holds the id for ever (a comment is made once), and gives an exercise's list its order.
-- No foreign keys: these rows outlive what they are about.
create table comment_ledger (
  comment_id uuid primary key,
  organization_id uuid not null,
  workout_movement_id uuid not null,
  author_id uuid not null,
  parent_comment_id uuid,
  depth int not null,  -- 0: a root
  created_at timestamptz not null,  -- later than the parent's, whatever clocks do and the platform wrote: the list's order
  payload_hash bytea,  -- SHA-256 of what was asked; null: written or copied by the platform, or erased
  erased_at timestamptz
);
-- Read forwards, keyset (created_at, comment_id).
create index comment_ledger_movement_idx on comment_ledger (workout_movement_id, created_at, comment_id);
create index comment_ledger_parent_idx on comment_ledger (parent_comment_id) where parent_comment_id is not null;


-- Gives these comments their ledger rows, as far as they have none: those that the platform writes past us, and what was there
-- before Coachwire. Level by level, so that each row is a lookup by key. A time in the future counts as now: what is said later
-- must not have to wait for it.
create function enter_comments(p_ids uuid[]) returns void
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
begin
  loop
    insert into comment_ledger
      (comment_id, organization_id, workout_movement_id, author_id, parent_comment_id, depth, created_at)
    select c.id, w.organization_id, c.workout_movement_id, c.author_id, c.parent_comment_id, coalesce(p.depth + 1, 0),
      greatest(least(coalesce(c.created_at, statement_timestamp()), statement_timestamp()), p.created_at + interval '1 microsecond')
    from (select unnest(p_ids) as id offset 0) t
    join exercise_comments c on c.id = t.id
    join workout_movements v on v.id = c.workout_movement_id
    join workouts w on w.id = v.workout_id
    left join comment_ledger p on p.comment_id = c.parent_comment_id
    where (c.parent_comment_id is null or p.comment_id is not null)
      and (select l.comment_id from comment_ledger l where l.comment_id = t.id) is null
    order by c.id
    on conflict do nothing;
    exit when not found;
  end loop;
end $$;

select enter_comments(array(select id from exercise_comments));


-- For the comments that the platform writes itself. Those of create_comments and of a fork have their rows already.
create function enter_written_comments() returns trigger
language plpgsql volatile security definer
as $$
declare
  v_missing uuid[];
begin
  v_missing := array(
    select c.id from changed c where (select l.comment_id from comment_ledger l where l.comment_id = c.id) is null);
  if v_missing <> '{}' then
    perform enter_comments(v_missing);
  end if;
  return null;
end $$;

create trigger coachwire_inserted after insert on exercise_comments
  referencing new table as changed for each statement execute function enter_written_comments();

do $$
begin
  execute format('alter function enter_written_comments() set search_path = %I, pg_temp', current_schema());
end $$;


-- Whether this workout is assigned to that member and published. What was forked for them counts as well as what it was forked
-- from: an open exercise stays open, and what they wrote there stays theirs.
create function is_assigned(p_user uuid, p_organization uuid, p_workout uuid) returns boolean
  language sql stable
  return exists (
    select from (  -- by the person: a workout may be assigned to thousands
      select a.workout_id, a.snapshot_workout_id
      from workout_assignments a
      where a.user_id = p_user and a.organization_id = p_organization and a.published and a.deleted_at is null
      offset 0) a
    where p_workout in (a.workout_id, a.snapshot_workout_id));


-- Whether this user may see that workout's exercises and what is said of them, in this organization: its active staff, and
-- active members to whom it is assigned.
create function sees_workout(p_user uuid, p_organization uuid, p_workout uuid) returns boolean
  language sql stable
  return (
    select m.role <> 'member' or is_assigned(p_user, p_organization, p_workout)
    from memberships m
    where m.user_id = p_user and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null
      and (select o.deleted_at is null from organizations o where o.id = p_organization)
      and (select u.deleted_at is null from users u where u.id = p_user)
      and (select w.deleted_at is null and w.organization_id = p_organization from workouts w where w.id = p_workout)) is true;


-- Whether something below this comment is still said: then it stays in the list, also deleted.
create function has_living_reply(p_comment uuid) returns boolean
language sql stable
as $$
  with recursive below (id) as (
    select l.comment_id from comment_ledger l where l.parent_comment_id = p_comment
    union
    select l.comment_id from below b join comment_ledger l on l.parent_comment_id = b.id)
  select exists (select from below b join exercise_comments c on c.id = b.id where c.deleted_at is null)
$$;


-- Comments as they are shown, in the columns and order that every reading statement takes from here. What was deleted or
-- erased has no body.
create view shown_comments as
select
  c.id, l.organization_id, c.workout_movement_id, m.id as author_membership_id,
  person_name(u.first_name, u.last_name) as author_name,
  case when c.deleted_at is null and l.erased_at is null then c.body end as body,
  c.parent_comment_id, l.created_at, greatest(c.updated_at, l.created_at) as updated_at, c.deleted_at,
  l.erased_at is not null as erased, c.author_id
from exercise_comments c
join comment_ledger l on l.comment_id = c.id
left join users u on u.id = c.author_id
left join memberships m on m.user_id = c.author_id and m.organization_id = l.organization_id;


-- Who asks, may they, is the id known: one row a request, in the order asked, without a lock. p_workout: which workout the
-- exercise must belong to; null where that was not said. The only place that decides on answers. code:
--   new          may be stored
--   duplicate    stored before by this author with this payload (or erased since)
--   conflict     the id is taken by another payload or another author
--   gone         hard-deleted, or the parent was deleted
--   bad_request  it would be the fifth level below the root
--   forbidden | not_found | rate_limited
-- parent_author_id and assigner_id: who is to be told beside the exercise's topic, if they still may; never the author.
create function resolve_comments(
  p_id uuid[], p_organization uuid[], p_author uuid[], p_workout uuid[], p_movement uuid[], p_parent uuid[], p_hash bytea[],
  p_limit int, p_window interval)
returns table (
  code text, author_membership_id uuid, author_name text, workout_id uuid, parent_author_id uuid, assigner_id uuid,
  first_created_at timestamptz, retry_at timestamptz)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  return query
  select
    case
      when code = 'new' and used + count(*) filter (where code = 'new') over (partition by author order by ord) > p_limit
      then 'rate_limited' else code end,
    author_membership_id, author_name, workout, parent_author, case when assigner is distinct from parent_author then assigner end,
    created_at, coalesce(opened, clock_timestamp()) + p_window
  from (
    select
      t.ord, t.author,
      case
        when s.id is null then 'forbidden'
        when l.comment_id is not null then
          case
            when l.author_id <> t.author or (l.payload_hash is distinct from t.hash and l.erased_at is null) then 'conflict'
            when (select c.id from exercise_comments c where c.id = t.id) is null then 'gone'
            else 'duplicate' end
        when v.id is null or not sees_workout(t.author, t.organization, v.workout_id) then 'not_found'
        when t.parent is null then 'new'
        when p.id is null then 'not_found'
        when p.deleted_at is not null then 'gone'
        when p.depth >= 4 then 'bad_request'
        else 'new' end as code,
      s.id as author_membership_id,
      s.name as author_name,
      v.workout_id as workout,
      nullif(p.author_id, t.author) as parent_author,
      g.assigned_by as assigner,
      l.created_at,
      coalesce(u.window_count, 0) as used,
      u.window_started as opened
    from unnest(p_id, p_organization, p_author, p_workout, p_movement, p_parent, p_hash)
      with ordinality t (id, organization, author, workout, movement, parent, hash, ord)
    left join lateral (
      select m.id, m.role, person_name(p.first_name, p.last_name) as name
      from memberships m
      join users p on p.id = m.user_id and p.deleted_at is null
      where m.user_id = t.author and m.organization_id = t.organization and m.status = 'active' and m.deleted_at is null
        and (select o.id from organizations o where o.id = m.organization_id and o.deleted_at is null) is not null
      offset 0) s on true
    left join lateral (
      select u.window_count, u.window_started
      from user_streams u
      where u.user_id = t.author and u.window_started + p_window > clock_timestamp()
      offset 0) u on true
    left join lateral (
      select l.comment_id, l.author_id, l.payload_hash, l.erased_at, l.created_at
      from comment_ledger l
      where l.comment_id = t.id
      offset 0) l on true
    -- for a stranger nothing of the organization is looked at
    left join lateral (
      select v.id, v.workout_id
      from workout_movements v
      where v.id = case when s.id is not null then t.movement end
      offset 0) v on v.workout_id = coalesce(t.workout, v.workout_id)
    left join lateral (
      select c.id, c.workout_movement_id, c.author_id, c.deleted_at, d.depth
      from exercise_comments c
      join comment_ledger d on d.comment_id = c.id
      where c.id = case when s.id is not null then t.parent end
      offset 0) p on p.workout_movement_id = t.movement
    -- who of the staff assigned it to the member: the latest day's, if they are still there
    left join lateral (
      select a.assigned_by
      from (
        select a.id, a.date, a.workout_id, a.snapshot_workout_id, a.assigned_by
        from workout_assignments a
        where a.user_id = case when s.role = 'member' then t.author end and a.organization_id = t.organization
          and a.published and a.deleted_at is null
        offset 0) a
      where v.workout_id in (a.workout_id, a.snapshot_workout_id) and a.assigned_by <> t.author
        and (
          select n.id from memberships n
          where n.user_id = a.assigned_by and n.organization_id = t.organization and n.role <> 'member'
            and n.status = 'active' and n.deleted_at is null) is not null
      order by a.date desc, a.id desc
      limit 1) g on true) x
  order by ord;
end $$;


-- What resolve called 'new', in order of arrival, ids distinct, no parent among them. p_users: authors and whoever is to be
-- told, sorted, distinct; *_ix: 1-based index in it, null: nobody. Row i is created at `at` + i µs, later than everything that
-- was said on these exercises before.
-- codes: stored | unavailable (what it refers to is held or being deleted) | refused, known (resolve once more, answer from there).
-- Positions: of the event in the exercise's topic, and of comment.mentioned in those streams; null: not told.
-- Raises CW001 when a user has no stream row yet: the application makes it in a statement of its own and calls again.
create function create_comments(
  p_id uuid[], p_organization uuid[], p_author uuid[], p_workout uuid[], p_movement uuid[], p_parent uuid[], p_body text[],
  p_hash bytea[], p_author_ix int[], p_parent_author_ix int[], p_assigner_ix int[], p_users uuid[], p_notify boolean,
  p_limit int, p_window interval,
  out at timestamptz, out codes text[], out topic_positions bigint[], out parent_author_positions bigint[],
  out assigner_positions bigint[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_movements uuid[] := array(select distinct unnest(p_movement));
  v_authors uuid[] := array(select distinct unnest(p_author));
  v_parents uuid[] := array(select distinct p from unnest(p_parent) p where p is not null);
  v_topics text[];
  v_free uuid[];
  v_held uuid[];
  v_taken uuid[];
  v_now timestamptz;
  v_head bigint[];           -- by user, as p_users
  v_used int[];
  v_started timestamptz[];
  v_parent_author boolean[]; -- whether they may be told
  v_assigner boolean[];
  v_stored bigint[];         -- the places of what is stored
  v_told bigint[];
  u int;
begin
  -- 1. what the foreign keys will lock: without waiting, before anything of ours
  v_free := array(select id from workout_movements where id = any (v_movements) for key share skip locked)
    || array(select id from users where id = any (v_authors) for key share skip locked);
  if v_parents <> '{}' then
    v_free := v_free || array(select id from exercise_comments where id = any (v_parents) for key share skip locked);
  end if;
  if cardinality(v_free) < cardinality(v_movements) + cardinality(v_authors) + cardinality(v_parents) then
    v_held := array(select unnest(v_movements || v_authors || v_parents) except select unnest(v_free));
  end if;

  -- 2. the streams, in id order; then the topics, by name: from here on what is said on these exercises is serial
  select array_agg(position), array_agg(case when open then window_count else 0 end),
    array_agg(case when open then window_started end)
  into v_head, v_used, v_started
  from (
    select *, window_started + p_window > clock_timestamp() as open
    from user_streams
    where user_id = any (p_users)
    order by user_id
    for no key update) s;
  if cardinality(v_head) is distinct from cardinality(p_users) then
    raise exception 'user_streams rows are missing' using errcode = 'CW001';
  end if;
  v_topics := array(select 'exercise:' || m from unnest(v_movements) m);
  insert into topic_streams (topic)
  select t from unnest(v_topics) t
  where not exists (select from topic_streams s where s.topic = t)
  order by t
  on conflict do nothing;
  perform from topic_streams where topic = any (v_topics) order by topic for no key update;
  v_now := clock_timestamp();
  select greatest(v_now, max(l.created_at)) into at
  from unnest(v_movements) m (id)
  cross join lateral (
    select l.created_at from comment_ledger l where l.workout_movement_id = m.id
    order by l.created_at desc, l.comment_id desc limit 1) l;

  -- 3. rights again, in a snapshot younger than the locks: nothing is said below what was deleted before
  select
    array_agg(
      case
        when v_held is not null
          and (t.movement = any (v_held) or t.author = any (v_held) or coalesce(t.parent = any (v_held), false)) then 'unavailable'
        when not sees_workout(t.author, t.organization, t.workout) then 'refused'
        when t.parent is not null and (
          select c.id from exercise_comments c
          where c.id = t.parent and c.workout_movement_id = t.movement and c.deleted_at is null) is null then 'refused'
        else 'stored' end order by t.ord),
    array_agg(t.parent_author is not null and sees_workout(t.parent_author, t.organization, t.workout) order by t.ord),
    array_agg(t.assigner is not null and sees_workout(t.assigner, t.organization, t.workout) order by t.ord)
  into codes, v_parent_author, v_assigner
  from (
    select t.*, p_users[t.parent_author_ix] as parent_author, p_users[t.assigner_ix] as assigner
    from unnest(p_organization, p_author, p_workout, p_movement, p_parent, p_parent_author_ix, p_assigner_ix)
      with ordinality t (organization, author, workout, movement, parent, parent_author_ix, assigner_ix, ord)
    offset 0) t;

  -- 4. quota, in order of arrival
  for i in 1 .. cardinality(p_id) loop
    continue when codes[i] <> 'stored';
    u := p_author_ix[i];
    if v_used[u] >= p_limit then
      codes[i] := 'refused';
    else
      v_used[u] := v_used[u] + 1;
    end if;
  end loop;

  -- 5. the ledger decides about ids; by id, so that two batches that meet on the same ids wait in one direction
  with taken as (
    insert into comment_ledger
      (comment_id, organization_id, workout_movement_id, author_id, parent_comment_id, depth, created_at, payload_hash)
    select t.id, t.organization, t.movement, t.author, t.parent,
      coalesce((select l.depth from comment_ledger l where l.comment_id = t.parent) + 1, 0),
      at + t.ord * interval '1 microsecond', t.hash
    from unnest(p_id, p_organization, p_movement, p_author, p_parent, p_hash, codes)
      with ordinality t (id, organization, movement, author, parent, hash, code, ord)
    where t.code = 'stored'
    order by t.id
    on conflict (comment_id) do nothing
    returning comment_id)
  select array_agg(comment_id) into v_taken from taken;

  -- 6. positions, in order of arrival; who is not stored moves nothing
  parent_author_positions := array_fill(null::bigint, array[cardinality(p_id)]);
  assigner_positions := parent_author_positions;
  topic_positions := parent_author_positions;
  v_stored := '{}';
  for i in 1 .. cardinality(p_id) loop
    continue when codes[i] <> 'stored';
    if p_id[i] <> all (coalesce(v_taken, '{}')) then  -- rare: the same id came over another connection in this very moment
      codes[i] := 'known';
      v_used[p_author_ix[i]] := v_used[p_author_ix[i]] - 1;
      continue;
    end if;
    v_stored := v_stored || i::bigint;
    if v_parent_author[i] then
      u := p_parent_author_ix[i];
      v_head[u] := v_head[u] + 1;
      parent_author_positions[i] := v_head[u];
    end if;
    if v_assigner[i] then
      u := p_assigner_ix[i];
      v_head[u] := v_head[u] + 1;
      assigner_positions[i] := v_head[u];
    end if;
  end loop;
  if v_stored = '{}' then
    return;
  end if;

  -- 7. the comments
  insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id, created_at, updated_at)
  select t.id, t.movement, t.author, t.body, t.parent, at + t.ord * interval '1 microsecond', at + t.ord * interval '1 microsecond'
  from unnest(p_id, p_movement, p_author, p_body, p_parent, codes)
    with ordinality t (id, movement, author, body, parent, code, ord)
  where t.code = 'stored'
  order by t.id;

  -- 8. heads and the rate window in one update; the events
  update user_streams s
  set position = d.head,
    window_count = d.used,
    window_started = case when d.used > 0 and d.started is null then v_now else s.window_started end
  from unnest(p_users, v_head, v_used, v_started) d (user_id, head, used, started)
  cross join lateral (
    select x.ctid from user_streams x
    where x.user_id = d.user_id and (x.position < d.head or d.used > case when d.started is null then 0 else x.window_count end)
    offset 0) x
  where s.ctid = x.ctid;   -- ours since step 2, so it stays where it is; by user, s could be read first and as a whole
  insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
  select p_users[e.ix], e.position, 'comment.mentioned', array[t.id], t.organization, create_comments.at
  from unnest(p_id, p_organization, p_parent_author_ix, parent_author_positions, p_assigner_ix, assigner_positions)
    t (id, organization, parent_author_ix, parent_author_position, assigner_ix, assigner_position)
  cross join lateral (
    values (t.parent_author_ix, t.parent_author_position), (t.assigner_ix, t.assigner_position)) e (ix, position)
  where e.position is not null;
  v_told := (
    select tell_topics(
      array_agg('exercise:' || t.movement order by t.ord), array_fill('comment.created'::event_kind, array[count(*)::int]),
      array_agg(t.id order by t.ord), array_agg(t.organization order by t.ord), create_comments.at)
    from unnest(p_id, p_organization, p_movement, codes) with ordinality t (id, organization, movement, code, ord)
    where t.code = 'stored');
  for i in 1 .. cardinality(v_stored) loop
    topic_positions[v_stored[i]] := v_told[i];
  end loop;
  if p_notify then
    perform notify_of('mention', array_agg(p_users[e.ix]), array_agg(t.organization), array_agg(t.id), array_agg(e.position))
    from unnest(p_id, p_organization, p_parent_author_ix, parent_author_positions, p_assigner_ix, assigner_positions)
      t (id, organization, parent_author_ix, parent_author_position, assigner_ix, assigner_position)
    cross join lateral (
      values (t.parent_author_ix, t.parent_author_position), (t.assigner_ix, t.assigner_position)) e (ix, position)
    where e.position is not null
    having count(*) > 0;
  end if;
end $$;


-- A comment that somebody wants to change: its exercise is locked. p_moderates: whether owner and admin may, as well as the
-- author. code is null, or why it may not be:
--   forbidden (no active membership, or somebody else's) | not_found (no such comment, or not visible)
--   unavailable (a cascade that takes comments away begins with the exercise: it is held or being deleted)
create function changeable_comment(
  p_id uuid, p_organization uuid, p_actor uuid, p_moderates boolean,
  out code text, out membership_id uuid, out comment exercise_comments)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_role membership_role;
  v_workout uuid;
begin
  select m.id, m.role into membership_id, v_role
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = p_actor and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null;
  select c.* into comment from exercise_comments c where c.id = p_id;
  select v.workout_id into v_workout from workout_movements v where v.id = comment.workout_movement_id;
  code := case
    when v_role is null then 'forbidden'
    when comment.id is null or not sees_workout(p_actor, p_organization, v_workout) then 'not_found'
    when comment.author_id <> p_actor and not (p_moderates and v_role in ('owner', 'admin')) then 'forbidden' end;
  if code is null
    and not exists (select from workout_movements v where v.id = comment.workout_movement_id for key share skip locked) then
    code := 'unavailable';
  end if;
end $$;


-- An author says it otherwise. code:
--   edited (topic_position: of the event) | unchanged (at: when it came to be so; no event: a retry is harmless)
--   gone (deleted or erased) | or why not: see changeable_comment
create function edit_comment(
  p_id uuid, p_organization uuid, p_actor uuid, p_body text, out code text, out at timestamptz, out topic_position bigint)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_comment exercise_comments;
  v_ledger comment_ledger;
begin
  select o.code into code from changeable_comment(p_id, p_organization, p_actor, false) o;
  if code is not null then
    return;
  end if;
  -- what is decided from here on is decided on its newest state
  select c.* into v_comment from exercise_comments c where c.id = p_id for no key update;
  select l.* into v_ledger from comment_ledger l where l.comment_id = p_id;
  code := case
    when v_comment.id is null then 'not_found'   -- the row went away between the two looks
    when v_comment.deleted_at is not null or v_ledger.erased_at is not null then 'gone'
    when v_comment.body = p_body then 'unchanged' end;
  if code is not null then
    at := case when code = 'unchanged' then greatest(v_comment.updated_at, v_ledger.created_at) end;
    return;
  end if;
  code := 'edited';
  -- updated_at rises, whatever clocks do
  at := greatest(clock_timestamp(), v_comment.updated_at + interval '1 microsecond', v_ledger.created_at + interval '1 microsecond');
  update exercise_comments c set body = p_body, updated_at = edit_comment.at where c.id = p_id;
  topic_position := (
    tell_topics(array['exercise:' || v_comment.workout_movement_id], array['comment.edited'::event_kind], array[p_id],
      array[p_organization], at))[1];
end $$;


-- An author takes a comment back, or owner or admin remove it. code:
--   deleted (topic_position: of the event) | already (at: the first time, no event) | or why not: see changeable_comment
create function delete_comment(
  p_id uuid, p_organization uuid, p_actor uuid, out code text, out at timestamptz, out topic_position bigint)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_own record;
  v_comment exercise_comments;
begin
  select * into v_own from changeable_comment(p_id, p_organization, p_actor, true);
  code := v_own.code;
  v_comment := v_own.comment;
  if code is not null then
    return;
  end if;
  update exercise_comments c set deleted_at = clock_timestamp() where c.id = p_id and c.deleted_at is null returning c.deleted_at into at;
  if at is null then
    select c.deleted_at into at from exercise_comments c where c.id = p_id;
    code := case when at is null then 'not_found' else 'already' end;   -- null: the row went away between the two looks
    return;
  end if;
  code := 'deleted';
  perform clear_notifications(array[p_id]);
  topic_position := (
    tell_topics(array['exercise:' || v_comment.workout_movement_id], array['comment.deleted'::event_kind], array[p_id],
      array[p_organization], at))[1];
  if v_comment.author_id <> p_actor then
    perform audit_deed(p_organization, p_actor, 'comment.deleted', v_comment.author_id, p_id,
      jsonb_build_object('workoutMovementId', v_comment.workout_movement_id));
  end if;
end $$;


-- For the platform, when it edits a workout that is assigned: a copy of the workout (`is_snapshot`, `forked_from_id`), with its
-- exercises under new ids and what was said on them: threading, authors, times, and what was deleted or erased. All other columns
-- of the two tables, also those that we do not know, are copied as they stand. Nobody is told and no rate is touched. The objects
-- name the new id by the former one. All are null when there is no such workout.
create function fork_workout(p_workout uuid, out workout_id uuid, out movements jsonb, out comments jsonb)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  insert into workouts
  select (jsonb_populate_record(w, jsonb_build_object(
    'id', gen_random_uuid(), 'is_snapshot', true, 'forked_from_id', w.id, 'created_at', now(), 'updated_at', now()))).*
  from workouts w
  where w.id = p_workout
  returning id into workout_id;
  if workout_id is null then
    return;
  end if;

  movements := (
    select coalesce(jsonb_object_agg(v.id, gen_random_uuid()), '{}') from workout_movements v where v.workout_id = p_workout);
  insert into workout_movements
  select (jsonb_populate_record(v, jsonb_build_object('id', movements -> v.id::text, 'workout_id', fork_workout.workout_id))).*
  from workout_movements v
  where v.workout_id = p_workout and movements ? v.id::text;

  -- what is said from here on stays with the exercise that it was said on
  comments := (
    select coalesce(jsonb_object_agg(c.id, gen_random_uuid()), '{}')
    from jsonb_object_keys(movements) m (id)
    cross join lateral (
      select l.comment_id from comment_ledger l where l.workout_movement_id = m.id::uuid
      order by l.created_at, l.comment_id offset 0) l
    join exercise_comments c on c.id = l.comment_id);
  insert into comment_ledger
    (comment_id, organization_id, workout_movement_id, author_id, parent_comment_id, depth, created_at, erased_at)
  select t.new_id::uuid, l.organization_id, (movements ->> l.workout_movement_id::text)::uuid, l.author_id,
    (comments ->> l.parent_comment_id::text)::uuid, l.depth, l.created_at, l.erased_at
  from jsonb_each_text(comments) t (id, new_id)
  join comment_ledger l on l.comment_id = t.id::uuid
  order by 1;
  insert into exercise_comments (id, workout_movement_id, author_id, body, parent_comment_id, created_at, updated_at, deleted_at)
  select t.new_id::uuid, (movements ->> c.workout_movement_id::text)::uuid, c.author_id, c.body,
    (comments ->> c.parent_comment_id::text)::uuid, c.created_at, c.updated_at, c.deleted_at
  from jsonb_each_text(comments) t (id, new_id)
  join exercise_comments c on c.id = t.id::uuid
  order by 1;
end $$;
