-- What the platform changes under us: triggers put it down in stream_pending, a worker tells it once it is committed.
--
-- A trigger never touches a stream: it would hold it as long as the platform's transaction lasts, and meet it in another
-- order. It inserts rows that nobody waits for, one a statement and organization (and 500 subjects), and notifies.
-- All are silent under `set local coachwire.quiet = on`: our own jobs, and whoever loads data that concerns nobody yet.
-- Whoever changes a table need have no rights on ours: the functions run as their owner, with a fixed search path.

alter table stream_pending
  add column attempts int not null default 0,
  add column not_before timestamptz;  -- set aside until then: telling it failed, and must not hold up the rest

comment on column stream_pending.user_ids is 'whose streams are concerned: parallel to subject_ids, null where nobody''s is';


-- Who belongs where. Roles and statuses may be texts on a platform of its own: they are only compared.
create function pend_memberships() returns trigger
language plpgsql volatile security definer
-- A plan made for one row must serve a thousand: transition tables have no statistics.
set enable_nestloop = off
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  if tg_op = 'UPDATE' then
    insert into stream_pending (kind, user_ids, subject_ids, organization_id)
    select 'memberships', array_agg(user_id), array_agg(id), organization_id
    from (
      select c.id, c.user_id, c.organization_id, row_number() over (partition by c.organization_id) - 1 as n
      from changed c
      join before b on b.id = c.id and (b.role, b.status, b.deleted_at) is distinct from (c.role, c.status, c.deleted_at)) c
    group by organization_id, n / 500;
  else
    insert into stream_pending (kind, user_ids, subject_ids, organization_id)
    select 'memberships', array_agg(user_id), array_agg(id), organization_id
    from (select id, user_id, organization_id, row_number() over (partition by organization_id) - 1 as n from changed) c
    group by organization_id, n / 500;
  end if;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;

create trigger coachwire_inserted after insert on memberships
  referencing new table as changed for each statement execute function pend_memberships();
create trigger coachwire_updated after update on memberships
  referencing old table as before new table as changed for each statement execute function pend_memberships();
create trigger coachwire_deleted after delete on memberships
  referencing old table as changed for each statement execute function pend_memberships();


-- Who is to do what. Its member hears of it only if it was or became visible to them: a draft that goes is nobody's loss.
create function pend_assignments() returns trigger
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
      join before b on b.id = c.id and (b.published, b.deleted_at) is distinct from (c.published, c.deleted_at)) c
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

create trigger coachwire_updated after update on workout_assignments
  referencing old table as before new table as changed for each statement execute function pend_assignments();
create trigger coachwire_deleted after delete on workout_assignments
  referencing old table as changed for each statement execute function pend_assignments();


-- Messages whose rows go, mostly with their assignment. Who the parties were, the ledger says; a message that somebody wrote
-- past us gets its row there now. One that was taken back before has been told.
create function pend_messages() returns trigger
language plpgsql volatile security definer
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  insert into message_ledger (message_id, organization_id, sender_id, low_user_id, high_user_id, workout_assignment_id, created_at)
  select id, organization_id, sender_id, least(sender_id, recipient_id), greatest(sender_id, recipient_id),
    workout_assignment_id, created_at
  from changed
  order by id
  on conflict do nothing;
  insert into stream_pending (kind, subject_ids, organization_id)
  select 'messages', array_agg(id), organization_id
  from (select id, organization_id, row_number() over (partition by organization_id) - 1 as n from changed where deleted_at is null) c
  group by organization_id, n / 500;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;

create trigger coachwire_deleted after delete on messages
  referencing old table as changed for each statement execute function pend_messages();


-- Comments whose rows go, mostly with their movement: the organization can no longer be looked up then.
create function pend_comments() returns trigger
language plpgsql volatile security definer
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  insert into stream_pending (kind, subject_ids)
  select 'comments', array_agg(id)
  from (select id, row_number() over () - 1 as n from changed) c
  group by n / 500;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;

create trigger coachwire_deleted after delete on exercise_comments
  referencing old table as changed for each statement execute function pend_comments();


-- People and organizations that are deleted, or come back.
create function pend_users() returns trigger
language plpgsql volatile security definer
set enable_nestloop = off
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  insert into stream_pending (kind, user_ids, subject_ids)
  select 'users', array_agg(id), array_agg(id)
  from (
    select c.id, row_number() over () - 1 as n
    from changed c
    join before b on b.id = c.id and b.deleted_at is distinct from c.deleted_at) c
  group by n / 500;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;

create trigger coachwire_updated after update on users
  referencing old table as before new table as changed for each statement execute function pend_users();

create function pend_organizations() returns trigger
language plpgsql volatile security definer
set enable_nestloop = off
as $$
begin
  if current_setting('coachwire.quiet', true) = 'on' then
    return null;
  end if;
  insert into stream_pending (kind, user_ids, subject_ids, organization_id)
  select 'organizations', array[null::uuid], array[c.id], c.id
  from changed c
  join before b on b.id = c.id and b.deleted_at is distinct from c.deleted_at;
  if found then
    perform pg_notify('coachwire_pending', '');
  end if;
  return null;
end $$;

create trigger coachwire_updated after update on organizations
  referencing old table as before new table as changed for each statement execute function pend_organizations();

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


-- Tells these rows: writes their events, one for a user and subject however often it changed, and takes the rows away, in one
-- transaction: exactly once. What an event says is decided when it is read, so its stored kind only says what it is about.
-- Lock order: streams by user → new rows. One at a time: `busy` when somebody else is at it (then nothing was done).
-- A stream has got events after `afters` through `throughs`; `gone`: users found deleted.
-- Who is not (or no longer) among the users and has no stream, is not told: a person erased to the last row wedges nothing.
create function tell_pending(
  p_ids bigint[], out busy boolean, out users uuid[], out afters bigint[], out throughs bigint[], out gone uuid[])
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
begin
  busy := not pg_try_advisory_xact_lock(hashtextextended('coachwire.pending', 0));
  if busy then
    return;
  end if;

  -- 1. the rows, one entry a subject, in the order of their first appearance
  with taken as (
    delete from stream_pending where id = any (p_ids)
    returning id, kind, user_ids, subject_ids, organization_id)
  select array_agg(kind order by id, ord), array_agg(user_id order by id, ord), array_agg(subject_id order by id, ord),
    array_agg(organization_id order by id, ord)
  into v_kind, v_user, v_subject, v_organization
  from taken
  cross join lateral unnest(user_ids, subject_ids) with ordinality t (user_id, subject_id, ord)
  where subject_id is not null;

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
  if v_user is null then
    return;
  end if;

  -- 4. their streams: made where the platform has added people, then locked in id order
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
end $$;
