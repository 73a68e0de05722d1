-- Notifications for who is away: written in the transaction of what they tell, posted later by workers.

create type outbox_kind as enum ('message', 'read', 'mention', 'person.erased');
create type outbox_state as enum ('waiting', 'sent', 'dropped', 'dead');

create table outbox (
  id bigint generated always as identity primary key,
  kind outbox_kind not null,  -- `read`: what was shown before can be cleared, the subject is read or gone
  user_id uuid not null,  -- who is told
  organization_id uuid,
  subject_id uuid not null,  -- the message or comment; of `person.erased` the user
  position bigint,  -- of the event in this user's stream: a foreground device that acked it needs no notification
  device_id uuid,  -- null: for the platform; else for this browser, by Web Push
  fanned boolean not null default false,  -- its rows for browsers were made
  state outbox_state not null default 'waiting',
  claims int not null default 0,  -- only ever rises: whoever posts holds the row by its number; above 0 it may have been seen
  attempts int not null default 0,  -- since it was written or replayed
  problem text,  -- why the last attempt failed, in a word or two
  due_at timestamptz not null,  -- while somebody posts it: when it comes back if they never settle it
  made_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index outbox_due_idx on outbox (due_at, id) where state = 'waiting' and device_id is null;
create index outbox_push_due_idx on outbox (due_at, id) where state = 'waiting' and device_id is not null;
create index outbox_dead_idx on outbox (id) where state = 'dead';
create index outbox_settled_idx on outbox (settled_at) where state in ('sent', 'dead');
create index outbox_dropped_idx on outbox (settled_at) where state = 'dropped';
create index outbox_subject_idx on outbox (subject_id, user_id);

-- Up to where this device has acked while its app was before somebody's eyes. A place, not a state: it needs no reset when
-- a socket or an instance dies, and what is lost of it lets a notification go out that was not needed.
alter table devices
  add column foreground_position bigint not null default 0,
  add column push_endpoint text,  -- a browser's subscription to Web Push, with its keys; null: none
  add column push_p256dh text,
  add column push_auth text;
create index devices_push_endpoint_idx on devices (push_endpoint) where push_endpoint is not null;


-- Notes what these users are to be told of in 10 s: time for a foreground device to ack it. Called inside the statement that
-- makes the subjects, where the installation notifies at all; inserts and locks nothing else.
create function notify_of(p_kind outbox_kind, p_user uuid[], p_organization uuid[], p_subject uuid[], p_position bigint[]) returns void
language sql volatile as $$
  insert into outbox (kind, user_id, organization_id, subject_id, position, due_at)
  select p_kind, t.user_id, t.organization_id, t.subject_id, t.position, clock_timestamp() + interval '10 seconds'
  from unnest(p_user, p_organization, p_subject, p_position) t (user_id, organization_id, subject_id, position)
$$;


-- These messages or comments need no notification any more: read, deleted or erased in this transaction, which holds their
-- rows. What waits is dropped; of what may have been seen, a `read` row follows, once. When somebody is posting it at this
-- moment, not before they must have ended.
-- Lock order: messages, comments → these rows by id → user_streams.
create function clear_notifications(p_subjects uuid[]) returns void
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  with held as materialized (
    select o.id, o.user_id, o.organization_id, o.subject_id, o.device_id, o.claims,
      case when o.state = 'waiting' then least(o.due_at, clock_timestamp() + interval '1 minute') end as until
    from outbox o
    where o.subject_id = any (p_subjects) and o.kind in ('message', 'mention') and (o.state = 'waiting' or o.claims > 0)
    order by o.id
    for no key update),
  dropped as (
    update outbox o
    set state = 'dropped', settled_at = clock_timestamp()
    where o.id = any (array(select h.id from held h where h.until is not null)))
  insert into outbox (kind, user_id, organization_id, subject_id, due_at)
  select 'read', h.user_id, h.organization_id, h.subject_id,
    coalesce(max(h.until), clock_timestamp())
  from held h
  where h.device_id is null and h.claims > 0
    and not exists (
      select from outbox r where r.subject_id = h.subject_id and r.user_id = h.user_id and r.kind = 'read')
  group by h.user_id, h.organization_id, h.subject_id;
end $$;


-- As in 0005, and: what is read needs no notification any more (2b).
create or replace function mark_read(p_id uuid[], p_reader uuid[])
returns table (
  user_id uuid, "position" bigint, reader_id uuid, sender_id uuid, organization_id uuid, assignment_id uuid,
  ids uuid[], at timestamptz, belongs boolean)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_at timestamptz;
  v_parents uuid[];
  v_free uuid[] := '{}';
  v_id uuid[];
  v_reader uuid[];
  v_sender uuid[];
  v_organization uuid[];
  v_assignment uuid[];
  v_left uuid[];
begin
  -- 1. only a cascade takes message rows away, and it begins with the assignment.
  --    (No "is not null" in the inner where, and "distinct" apart: both lure the planner onto messages_workout_assignment_idx.)
  v_parents := array(
    select distinct m.parent
    from (select m.workout_assignment_id as parent from messages m where m.id = any (p_id) offset 0) m
    where m.parent is not null);
  if v_parents <> '{}' then
    v_free := array(select a.id from workout_assignments a where a.id = any (v_parents) for key share skip locked);
    if cardinality(v_free) < cardinality(v_parents) then
      return query
      select null::uuid, null::bigint, null::uuid, null::uuid, null::uuid, null::uuid, array_agg(m.id), null::timestamptz, null::boolean
      from messages m
      where m.id = any (p_id) and m.workout_assignment_id = any (v_parents) and m.workout_assignment_id <> all (v_free)
      having count(*) > 0;
    end if;
  end if;

  -- 2. the messages, locked by id whatever plan finds them: two readings of the same ones wait in one direction.
  --    (Not "read_at is null" and the like: before the table has statistics, they lure the planner onto all that anybody has
  --    not read, or all direct messages.)
  v_at := clock_timestamp();
  with locked as materialized (
    select m.id, (  -- (not "exists": it may be answered by reading all memberships once and for all)
      select n.id from memberships n
      where n.user_id = m.recipient_id and n.organization_id = m.organization_id and n.status = 'active' and n.deleted_at is null)
      is not null as belongs
    from messages m
    where m.id = any (p_id) and m.recipient_id = p_reader[array_position(p_id, m.id)] and coalesce(m.read_at, m.deleted_at) is null
      and case when m.workout_assignment_id is null then true else m.workout_assignment_id = any (v_free) end
    order by m.id
    for no key update of m),
  changed as (
    update messages m
    set read_at = v_at
    where m.id = any (array(select l.id from locked l where l.belongs))
    returning m.id, m.recipient_id, m.sender_id, m.organization_id, m.workout_assignment_id)
  select array_agg(id), array_agg(recipient_id), array_agg(sender_id), array_agg(organization_id), array_agg(workout_assignment_id),
    (select array_agg(l.id) from locked l where not l.belongs)
  into v_id, v_reader, v_sender, v_organization, v_assignment, v_left
  from changed;
  if v_left is not null then
    return query
    select null::uuid, null::bigint, null::uuid, null::uuid, null::uuid, null::uuid, v_left, null::timestamptz, null::boolean;
  end if;
  if v_id is null then
    return;
  end if;

  -- 2b. their notifications, of which there are mostly none: a look by the index
  if exists (select from outbox o where o.subject_id = any (v_id)) then
    perform clear_notifications(v_id);
  end if;

  -- 3. the streams, by user
  perform make_streams(v_reader || v_sender);
  perform from user_streams where user_id = any (v_reader || v_sender) order by user_id for no key update;
  return query
  with grouped as (
    select reader, sender, organization, assignment, array_agg(id) as ids
    from (
      select *, (row_number() over (partition by reader, sender, organization, assignment) - 1) / 500 as part
      from unnest(v_id, v_reader, v_sender, v_organization, v_assignment) t (id, reader, sender, organization, assignment)) t
    group by reader, sender, organization, assignment, part),
  numbered as (
    select e.user_id, g.*,
      (select s.position from user_streams s where s.user_id = e.user_id) + row_number() over (partition by e.user_id) as position
    from grouped g
    cross join lateral (values (g.reader), (g.sender)) e (user_id)),
  added as (
    insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
    select user_id, position, 'message.read', ids, organization, v_at from numbered),
  moved as (
    update user_streams s
    set position = d.position
    from (select user_id, max(position) as position from numbered group by user_id) d
    where s.user_id = d.user_id)
  select user_id, position, reader, sender, organization, assignment, ids, v_at,
    belongs(user_id, organization) and not kept_from(user_id, assignment)
  from numbered;
end $$;


-- Takes what is due, for the platform or for browsers, and says what is to be posted. Rows that others hold are passed over,
-- nothing is waited for. All is looked at anew: who has left, what was read, deleted, erased or acked by a device in the
-- foreground is dropped. What the platform's row finds for browsers becomes rows of their own, in this transaction.
-- act: post (the row is the caller's until the lease ends; then it comes back) | dropped | passed (there are only browsers)
-- type: what is told of; null unless act is post. subject_id and what follows says of whom and what.
create function claim_notifications(p_browsers boolean, p_limit int, p_lease interval, p_webhook boolean, p_push boolean)
returns table (
  id bigint, claim int, attempt int, act text, kind text, type text, made_at timestamptz,
  user_id uuid, clerk_id text, membership_id uuid, organization_id uuid, subject_id uuid,
  assignment_id uuid, movement_id uuid, author_membership_id uuid, author_name text,
  badge bigint, organization_badge bigint, shows_content boolean, content text, attachments bigint,
  device_id uuid, push_endpoint text, push_p256dh text, push_auth text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_ids bigint[];
begin
  -- 1. the rows
  if p_browsers then
    v_ids := array(
      select o.id from outbox o
      where o.state = 'waiting' and o.device_id is not null and o.due_at <= clock_timestamp()
      order by o.due_at, o.id limit p_limit for no key update skip locked);
  else
    v_ids := array(
      select o.id from outbox o
      where o.state = 'waiting' and o.device_id is null and o.due_at <= clock_timestamp()
      order by o.due_at, o.id limit p_limit for no key update skip locked);
  end if;
  if v_ids = '{}' then
    return;
  end if;

  -- 2. what is so now, in a snapshot younger than the locks
  return query
  with due as materialized (
    select o.*, u.clerk_id, n.id as membership_id,
      case o.kind
        when 'person.erased' then 'person.erased'
        when 'read' then case
          when l.message_id is null then 'comment.deleted'
          when m.read_at is not null and m.deleted_at is null and l.erased_at is null then 'message.read'
          else 'message.deleted' end
        when 'message' then 'message.created'
        else 'comment.mentioned' end as type,
      case o.kind
        when 'person.erased' then true
        when 'read' then u.id is not null
        else u.id is not null and n.status = 'active' and n.deleted_at is null
          and (select g.deleted_at is null from organizations g where g.id = o.organization_id)
          and not exists (
            select from devices d where d.user_id = o.user_id and o.position > 0 and d.foreground_position >= o.position)
          and case o.kind
            when 'message' then m.recipient_id = o.user_id and coalesce(m.read_at, m.deleted_at) is null and l.erased_at is null
              and not kept_from(o.user_id, m.workout_assignment_id)
            else c.author_id is not null and c.deleted_at is null and c.body <> '' and c.organization_id = o.organization_id and (n.role::text <> 'member' or exists (
              select from workout_assignments a
              where a.user_id = o.user_id and a.organization_id = o.organization_id and a.published and a.deleted_at is null
                and c.workout_id in (a.workout_id, a.snapshot_workout_id))) end
      end and (o.device_id is null or d.push_endpoint is not null) as stands,
      coalesce(m.sender_id, c.author_id) as author_id, m.workout_assignment_id, c.workout_movement_id,
      coalesce(m.content, c.body) as said, d.push_endpoint, d.push_p256dh, d.push_auth
    from unnest(v_ids) t (id)
    cross join lateral (select o.* from outbox o where o.id = t.id offset 0) o
    left join lateral (  -- (the view comes with 0019)
      select u.id, u.clerk_id::text from living_users u where u.id = o.user_id offset 0) u on true
    left join lateral (
      select n.id, n.role, n.status, n.deleted_at
      from memberships n
      where n.user_id = o.user_id and n.organization_id = o.organization_id
      offset 0) n on true
    left join lateral (
      select m.* from messages m where m.id = case when o.kind in ('message', 'read') then o.subject_id end offset 0) m on true
    left join lateral (
      select l.message_id, l.erased_at
      from message_ledger l
      where l.message_id = case when o.kind in ('message', 'read') then o.subject_id end
      offset 0) l on true
    left join lateral (
      select c.author_id, c.body, c.deleted_at, c.workout_movement_id, v.workout_id, w.organization_id
      from exercise_comments c
      join workout_movements v on v.id = c.workout_movement_id
      join workouts w on w.id = v.workout_id
      where c.id = case when o.kind = 'mention' then o.subject_id end
      offset 0) c on true
    left join lateral (
      select d.push_endpoint, d.push_p256dh, d.push_auth
      from devices d
      where d.user_id = o.user_id and d.device_id = o.device_id
      offset 0) d on true),
  judged as materialized (
    select *, case
      when stands is not true then 'dropped'
      when device_id is not null or p_webhook then 'post'
      else 'passed' end as act
    from due),
  fanned as (
    insert into outbox (kind, user_id, organization_id, subject_id, position, device_id, due_at)
    select j.kind, j.user_id, j.organization_id, j.subject_id, j.position, d.device_id, clock_timestamp()
    from judged j
    cross join lateral (  -- who subscribes without end, and to what never answers, holds up the others no longer than that
      select d.device_id
      from (select d.device_id, d.push_endpoint, d.seen_at from devices d where d.user_id = j.user_id offset 0) d
      where d.push_endpoint is not null
      order by d.seen_at desc
      limit 10) d
    where p_push and j.stands and not j.fanned and j.device_id is null and j.kind in ('message', 'mention')),
  moved as (
    update outbox o
    set state = case j.act when 'post' then 'waiting' when 'passed' then 'sent' else 'dropped' end::outbox_state,
      settled_at = case when j.act <> 'post' then clock_timestamp() end,
      claims = o.claims + (j.act = 'post')::int,
      attempts = o.attempts + (j.act = 'post')::int,
      fanned = o.fanned or (p_push and j.act <> 'dropped'),
      due_at = case when j.act = 'post' then clock_timestamp() + p_lease else o.due_at end
    from judged j
    where o.id = j.id)
  select j.id, j.claims + 1, j.attempts + 1, j.act, j.kind::text, case when j.act = 'post' then j.type end, j.made_at,
    j.user_id, j.clerk_id, j.membership_id, j.organization_id, j.subject_id,
    j.workout_assignment_id, j.workout_movement_id, a.id, person_name(w.first_name, w.last_name),
    b.total, b.here, s.shows, case when s.shows then j.said end, f.attachments,
    j.device_id, j.push_endpoint, j.push_p256dh, j.push_auth
  from judged j
  left join lateral (
    select coalesce((
      select s.content_in_notifications from organization_settings s where s.organization_id = j.organization_id), false)
      and j.kind in ('message', 'mention') as shows) s on true
  left join lateral (select w.first_name, w.last_name from users w where w.id = j.author_id offset 0) w on true
  left join lateral (
    select a.id from memberships a where a.user_id = j.author_id and a.organization_id = j.organization_id offset 0) a on true
  left join lateral (
    select count(*) as attachments from message_attachments f where f.message_id = case when s.shows then j.subject_id end) f on true
  left join lateral (  -- exact, as unread frames are
    select count(*) as total, count(*) filter (where m.organization_id = j.organization_id) as here
    from (
      select m.recipient_id, m.organization_id, m.workout_assignment_id
      from messages m
      where m.recipient_id = case when j.act = 'post' and j.kind <> 'person.erased' then j.user_id end
        and m.read_at is null and m.deleted_at is null
      offset 0) m  -- never all that an organization has
    join memberships n on n.user_id = m.recipient_id and n.organization_id = m.organization_id
      and n.status = 'active' and n.deleted_at is null
    join organizations o on o.id = m.organization_id and o.deleted_at is null
    left join workout_assignments a on a.id = m.workout_assignment_id
    where m.workout_assignment_id is null or (a.published and a.deleted_at is null)) b on true
  order by j.due_at, j.id;
end $$;
