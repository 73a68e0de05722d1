-- What is open on screens has streams of its own: a thread's messages, an exercise's comments, a member's values. One row an
-- event, however many watch.

create table topic_streams (
  topic text primary key,
  position bigint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

-- As stream_events: references, joined with their subjects when read; weekly partitions without a default one.
create table topic_events (
  topic text not null,
  position bigint not null,
  kind event_kind not null,
  subject_ids uuid[] not null,
  facts jsonb,  -- times and flags only
  organization_id uuid not null,
  at timestamptz not null,
  primary key (topic, position, at)
) partition by range (at);

-- Makes the partitions of the week that holds this moment; false when both are there already.
create or replace function make_stream_partition(moment timestamptz) returns boolean
language plpgsql volatile as $$
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

select make_stream_partitions();


-- Writes an event a row, in the order given, into the topics' streams. Called inside the statement that makes the subjects,
-- after the users' streams were locked: topics are made and locked by name, so whoever waits here holds no later one.
create function tell_topics(
  p_topic text[], p_kind event_kind[], p_subject uuid[], p_organization uuid[], p_at timestamptz, out positions bigint[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  insert into topic_streams (topic)
  select distinct t from unnest(p_topic) t
  where not exists (select from topic_streams s where s.topic = t)
  order by t
  on conflict do nothing;
  perform from topic_streams where topic = any (p_topic) order by topic for no key update;
  with numbered as (
    select t.*, s.position + row_number() over (partition by t.topic order by t.ord) as position
    from unnest(p_topic, p_kind, p_subject, p_organization) with ordinality t (topic, kind, subject, organization, ord)
    join topic_streams s on s.topic = t.topic),
  added as (
    insert into topic_events (topic, position, kind, subject_ids, organization_id, at)
    select topic, position, kind, array[subject], organization, p_at from numbered),
  moved as (
    update topic_streams s
    set position = d.position
    from (select topic, max(position) as position from numbered group by topic) d
    where s.topic = d.topic)
  select array_agg(position order by ord) into positions from numbered;
end $$;

-- What the platform changes under us is told to those who watch as well: a message or comment whose row goes by itself as an
-- event of its topic; of what ends a right, every instance hears and looks at who has the topic open.
alter table stream_pending
  add column parent_ids uuid[] not null default '{}';  -- parallel to subject_ids where it is used: the movement of a comment
alter type pending_kind add value 'exercises';

-- As before (0006), and also when a workout is exchanged: it changes which exercises its member may see.
create or replace function pend_assignments() returns trigger
language plpgsql volatile security definer
set enable_nestloop = off
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  if tg_op = 'UPDATE' then
    insert into stream_pending (kind, user_ids, subject_ids, organization_id)
    select 'assignments', array_agg(case when was_visible <> is_visible then user_id end), array_agg(id), organization_id
    from (
      select c.id, c.user_id, c.organization_id, b.published and b.deleted_at is null as was_visible,
        c.published and c.deleted_at is null as is_visible, row_number() over (partition by c.organization_id) - 1 as n
      from changed c
      join before b on b.id = c.id and (b.published, b.deleted_at, b.workout_id, b.snapshot_workout_id)
        is distinct from (c.published, c.deleted_at, c.workout_id, c.snapshot_workout_id)) c
    group by organization_id, n / 500;
  else
    insert into stream_pending (kind, user_ids, subject_ids, organization_id)
    select 'assignments', array_agg(case when was_visible then user_id end), array_agg(id), organization_id
    from (
      select id, user_id, organization_id, published and deleted_at is null as was_visible,
        row_number() over (partition by organization_id) - 1 as n
      from changed) c
    group by organization_id, n / 500;
  end if;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;


-- As before, with what the comments belonged to.
create or replace function pend_comments() returns trigger
language plpgsql volatile security definer
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  insert into stream_pending (kind, subject_ids, parent_ids)
  select 'comments', array_agg(id), array_agg(workout_movement_id)
  from (select id, workout_movement_id, row_number() over () - 1 as n from changed) c
  group by n / 500;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;


-- Exercises that go, with their comments, and workouts that are deleted or come back.
create function pend_movements() returns trigger
language plpgsql volatile security definer
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  insert into stream_pending (kind, subject_ids)
  select 'exercises', array_agg(id)
  from (select id, row_number() over () - 1 as n from changed) c
  group by n / 500;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;

create trigger coachwire_deleted after delete on workout_movements
  referencing old table as changed for each statement execute function pend_movements();

create function pend_workouts() returns trigger
language plpgsql volatile security definer
set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  insert into stream_pending (kind, subject_ids)
  select 'exercises', array_agg(id)
  from (
    select v.id, row_number() over () - 1 as n
    from changed c
    join before b on b.id = c.id and b.deleted_at is distinct from c.deleted_at
    join workout_movements v on v.workout_id = c.id) c
  group by n / 500;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;

create trigger coachwire_updated after update on workouts
  referencing old table as before new table as changed for each statement execute function pend_workouts();

do $$
declare
  name regprocedure;
begin
  for name in
    select oid from pg_proc where pronamespace = current_schema()::regnamespace and prosecdef and proname like 'pend\_%'
  loop
    execute format('alter function %s set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;


drop function tell_pending(bigint[]);

-- Tells these rows: writes their events, one for a user and subject however often it changed, and takes the rows away, in one
-- transaction: exactly once. What an event says is decided when it is read, so its stored kind only says what it is about.
-- Lock order: streams by user → topics by name → new rows. One at a time: `busy` when somebody else is at it (then nothing was done).
-- A stream has got events after `afters` through `throughs`, a topic likewise; `gone`: users found deleted. `revoked` are topics,
-- and `doubted` users, whose rights may have changed without an event of theirs.
-- Who is not (or no longer) among the users and has no stream, is not told: a person erased to the last row wedges nothing.
create function tell_pending(
  p_ids bigint[], out busy boolean, out users uuid[], out afters bigint[], out throughs bigint[], out gone uuid[],
  out topics text[], out topic_afters bigint[], out topic_throughs bigint[], out revoked text[], out doubted uuid[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_at timestamptz := clock_timestamp();
  v_kind pending_kind[];
  v_user uuid[];
  v_subject uuid[];
  v_organization uuid[];
  v_all_kind pending_kind[];
  v_all_subject uuid[];
  v_all_parent uuid[];
  v_topic text[];
  v_topic_kind event_kind[];
  v_topic_subject uuid[];
  v_topic_organization uuid[];
  v_topic_position bigint[];
begin
  busy := not pg_try_advisory_xact_lock(hashtextextended('coachwire.pending', 0));
  if busy then
    return;
  end if;

  -- 1. the rows, one entry a subject, in the order of their first appearance
  with taken as (
    delete from stream_pending where id = any (p_ids)
    returning id, kind, user_ids, subject_ids, parent_ids, organization_id)
  select array_agg(kind order by id, ord), array_agg(user_id order by id, ord), array_agg(subject_id order by id, ord),
    array_agg(organization_id order by id, ord), array_agg(parent_id order by id, ord)
  into v_kind, v_user, v_subject, v_organization, v_all_parent
  from taken
  cross join lateral unnest(user_ids, subject_ids, parent_ids) with ordinality t (user_id, subject_id, parent_id, ord)
  where subject_id is not null;
  v_all_kind := v_kind;
  v_all_subject := v_subject;

  -- 2. an organization concerns all its members: as many rows as that takes, for the next turn
  insert into stream_pending (kind, user_ids, subject_ids, organization_id)
  select 'memberships', array_agg(user_id), array_agg(id), organization_id
  from (
    select m.id, m.user_id, m.organization_id, row_number() over (partition by m.organization_id) - 1 as n
    from memberships m
    where m.organization_id = any (array(
        select subject from unnest(v_kind, v_subject) t (kind, subject) where kind = 'organizations'))
      and m.status = 'active' and m.deleted_at is null) m
  group by organization_id, n / 500;

  gone := array(
    select u.id from unnest(v_kind, v_subject) t (kind, subject)
    join users u on u.id = t.subject and u.deleted_at is not null
    where t.kind = 'users');

  revoked := array(
    select distinct case kind when 'assignments' then 'thread:' when 'memberships' then 'metrics:' else 'exercise:' end || subject
    from unnest(v_kind, v_subject) t (kind, subject)
    where kind in ('assignments', 'exercises', 'memberships'));
  doubted := array(
    select distinct a.user_id from unnest(v_kind, v_subject) t (kind, subject)
    join workout_assignments a on a.id = t.subject
    where t.kind = 'assignments');

  -- 3. who is told of what; the parties of a message are in the ledger
  select array_agg(kind order by ord), array_agg(user_id order by ord), array_agg(subject order by ord), array_agg(organization order by ord)
  into v_kind, v_user, v_subject, v_organization
  from (
    select t.kind, e.user_id, t.subject, (array_agg(t.organization))[1] as organization, min(t.ord) as ord
    from unnest(v_kind, v_user, v_subject, v_organization) with ordinality t (kind, user_id, subject, organization, ord)
    left join lateral (
      select l.low_user_id, l.high_user_id from message_ledger l
      where l.message_id = case when t.kind = 'messages' then t.subject end
      offset 0) l on true
    cross join lateral (values (t.user_id), (l.low_user_id), (l.high_user_id)) e (user_id)
    where t.kind in ('memberships', 'assignments', 'messages') and e.user_id is not null
    group by t.kind, e.user_id, t.subject) t;

  -- 4. their streams: made where the platform has added people, then locked in id order
  if v_user is not null then
    perform make_streams(array(select id from users where id = any (v_user)));
    perform from user_streams where user_id = any (v_user) order by user_id for no key update;
    with numbered as (
      select t.kind, t.user_id, t.subject, t.organization,
        s.position + row_number() over (partition by t.user_id order by t.ord) as position
      from unnest(v_kind, v_user, v_subject, v_organization) with ordinality t (kind, user_id, subject, organization, ord)
      join user_streams s on s.user_id = t.user_id),
    added as (
      insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
      select user_id, position,
        case kind when 'messages' then 'message.deleted' when 'memberships' then 'membership.changed' else 'assignment.published' end::event_kind,
        array[subject], organization, v_at
      from numbered),
    moved as (
      update user_streams s
      set position = d.through
      from (select user_id, max(position) as through from numbered group by user_id) d
      where s.user_id = d.user_id)
    select array_agg(user_id), array_agg(first - 1), array_agg(last)
    into users, afters, throughs
    from (select user_id, min(position) as first, max(position) as last from numbered group by user_id) d;
  end if;

  -- 5. the topics of what is still there
  select array_agg(topic order by ord), array_agg(kind order by ord), array_agg(subject order by ord), array_agg(organization order by ord)
  into v_topic, v_topic_kind, v_topic_subject, v_topic_organization
  from (
    select 'thread:' || a.id as topic, 'message.deleted'::event_kind as kind, t.subject, l.organization_id as organization, t.ord
    from unnest(v_all_kind, v_all_subject) with ordinality t (kind, subject, ord)
    join message_ledger l on l.message_id = t.subject
    join workout_assignments a on a.id = l.workout_assignment_id
    where t.kind = 'messages'
    union all
    select 'exercise:' || v.id, 'comment.deleted', t.subject, w.organization_id, t.ord
    from unnest(v_all_kind, v_all_subject, v_all_parent) with ordinality t (kind, subject, parent, ord)
    join workout_movements v on v.id = t.parent
    join workouts w on w.id = v.workout_id
    where t.kind = 'comments') t;
  if v_topic is not null then
    v_topic_position := tell_topics(v_topic, v_topic_kind, v_topic_subject, v_topic_organization, v_at);
    select array_agg(topic), array_agg(first - 1), array_agg(last)
    into topics, topic_afters, topic_throughs
    from (
      select topic, min(position) as first, max(position) as last
      from unnest(v_topic, v_topic_position) t (topic, position)
      group by topic) d;
  end if;
end $$;
