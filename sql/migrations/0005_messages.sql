-- The statements behind message.send, message.read and message.delete, as functions: their planner settings travel with
-- them, and under READ COMMITTED every statement inside sees what was committed before it began, so that rights are read
-- after the locks were taken.
--
-- Lock order, everywhere: what foreign keys need (organizations, users, assignments; key share, never waited for)
--   → existing message rows by id → user_streams by user → new rows.
-- Small array joins must stay nested loops over indexes, whatever the tables' statistics say: hence the settings. A plan that
-- was made while a table was empty stays for as long as the connection does, and to it the whole table is as good as a row:
-- so nothing is materialized, and where a second condition might lure, a row is looked for by its key alone ("offset 0").

-- (concat_ws is not immutable: with it the function would be called for each row instead of becoming part of the statement.)
create function person_name(first_name text, last_name text) returns text
  language sql immutable parallel safe
  return trim(coalesce(first_name, '') || ' ' || coalesce(last_name, ''));


-- Whether this user may be told of that organization now. Asked after the user's stream was locked, the answer holds for what
-- is written there: a membership that ends later is told at a later position.
create function belongs(p_user uuid, p_organization uuid) returns boolean
  language sql stable
  return exists (
    select from memberships m
    join organizations o on o.id = m.organization_id and o.deleted_at is null
    where m.user_id = p_user and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null);


-- Whether the talk under this workout is kept from that user: it was deleted, or is a draft of which its member knows nothing
-- yet, whatever their role. Asked as `belongs` is; false for what is there no more, and for null.
create function kept_from(p_user uuid, p_assignment uuid) returns boolean
  language sql stable
  return exists (
    select from workout_assignments a
    where a.id = p_assignment and (a.deleted_at is not null or (a.user_id = p_user and not a.published)));


-- Streams for those of these users who have none: people whom the platform added since, in messages that it wrote itself.
-- In id order, and before any stream is locked: whoever waits for a new row holds no older one.
create function make_streams(p_users uuid[]) returns void
language sql volatile as $$
  insert into user_streams (user_id)
  select distinct u from unnest(p_users) u
  where not exists (select from user_streams s where s.user_id = u)
  order by u
  on conflict do nothing
$$;


-- Messages as they are shown, in the columns and order that every reading statement takes from here. `delivered` is for
-- the sender's eyes only.
create view shown_messages as
select
  m.id, m.organization_id, sm.id as sender_membership_id, person_name(su.first_name, su.last_name) as sender_name,
  m.sender_role::text, rm.id as recipient_membership_id, m.workout_assignment_id, m.content, m.created_at, m.read_at,
  m.edited_at, m.deleted_at, l.erased_at is not null as erased,
  m.read_at is not null or exists (
    select from devices d where d.user_id = m.recipient_id and d.acked_position >= l.recipient_position) as delivered,
  m.sender_id, m.recipient_id
from messages m
left join message_ledger l on l.message_id = m.id
left join users su on su.id = m.sender_id
left join memberships sm on sm.user_id = m.sender_id and sm.organization_id = m.organization_id
left join memberships rm on rm.user_id = m.recipient_id and rm.organization_id = m.organization_id;


-- Who is meant, may they, is the id known: one row a request, in the order asked, without a lock.
-- The only place that decides on answers. code:
--   new                        may be stored
--   duplicate                  stored before by this sender with this payload (or erased since)
--   conflict                   the id is taken by another payload or another sender
--   gone                       hard-deleted, or the recipient is no longer active
--   forbidden | not_found | bad_request | rate_limited
create function resolve_sends(
  p_id uuid[], p_organization uuid[], p_sender uuid[], p_membership uuid[], p_assignment uuid[], p_hash bytea[],
  p_limit int, p_window interval)
returns table (
  code text, sender_membership_id uuid, sender_as sender_role, sender_name text,
  recipient_membership_id uuid, recipient_id uuid, first_created_at timestamptz, retry_at timestamptz)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  return query
  select
    case
      when code = 'new' and used + count(*) filter (where code = 'new') over (partition by sender order by ord) > p_limit
      then 'rate_limited' else code end,
    sender_membership_id, sender_as, sender_name, recipient_membership_id, recipient_id, created_at,
    coalesce(opened, clock_timestamp()) + p_window
  from (
    select
      t.ord, t.sender,
      case
        when s.id is null then 'forbidden'
        when l.message_id is not null then
          case
            when l.sender_id <> t.sender or (l.payload_hash is distinct from t.hash and l.erased_at is null) then 'conflict'
            when (select m.id from messages m where m.id = t.id) is null then 'gone'
            else 'duplicate' end
        when t.assignment is not null and (a.id is null or case when a.user_id = t.sender then not a.published else s.role = 'member' end)
          then 'not_found'
        when r.id is null then case when t.assignment is null then 'not_found' else 'gone' end
        -- (not "exists": it may be answered by reading all users once and for all)
        when r.status <> 'active' or r.deleted_at is not null or (select u.deleted_at from users u where u.id = r.user_id) is not null
          then 'gone'
        when r.user_id = t.sender then 'bad_request'
        when t.assignment is null and s.role = 'member' and r.role = 'member' then 'forbidden'
        else 'new' end as code,
      s.id as sender_membership_id,
      case when a.user_id = t.sender then 'member' when s.role = 'owner' then 'admin' else s.role::text end::sender_role as sender_as,
      s.name as sender_name,
      r.id as recipient_membership_id,
      r.user_id as recipient_id,
      l.created_at,
      coalesce(u.window_count, 0) as used,
      u.window_started as opened
    from unnest(p_id, p_organization, p_sender, p_membership, p_assignment, p_hash)
      with ordinality t (id, organization, sender, membership, assignment, hash, ord)
    left join lateral (
      select m.id, m.role, person_name(p.first_name, p.last_name) as name
      from memberships m
      join users p on p.id = m.user_id and p.deleted_at is null
      where m.user_id = t.sender and m.organization_id = t.organization and m.status = 'active' and m.deleted_at is null
        and exists (select from organizations o where o.id = m.organization_id and o.deleted_at is null)
      offset 0) s on true
    left join lateral (
      select u.window_count, u.window_started
      from user_streams u
      where u.user_id = t.sender and u.window_started + p_window > clock_timestamp()
      offset 0) u on true
    left join lateral (
      select l.message_id, l.sender_id, l.payload_hash, l.erased_at, l.created_at
      from message_ledger l
      where l.message_id = t.id
      offset 0) l on true
    -- for a stranger nothing of the organization is looked at; an id is looked for by its own index, never by the organization's
    left join lateral (
      select a.id, a.user_id, a.organization_id, a.published, a.assigned_by
      from workout_assignments a
      where a.id = case when s.id is not null then t.assignment end and a.deleted_at is null
      offset 0) a on a.organization_id = t.organization
    left join lateral (
      select m.id, m.user_id, m.role, m.status, m.deleted_at
      from memberships m
      where m.id = case when s.id is not null then t.membership end and m.organization_id = t.organization
      union all
      -- a thread: staff write to the athlete; the athlete to who of the staff wrote last, else who assigned, else the longest-standing owner
      select m.id, m.user_id, m.role, m.status, m.deleted_at
      from memberships m
      where m.organization_id = t.organization and m.user_id = case
        when a.id is null then null   -- no thread, or none that is there: nobody is looked for
        when a.user_id <> t.sender then a.user_id
        else coalesce(
          (select w.sender_id
           from messages w
           join memberships n on n.user_id = w.sender_id and n.organization_id = t.organization
             and n.status = 'active' and n.deleted_at is null and n.role <> 'member'
             and (select p.deleted_at from users p where p.id = n.user_id) is null
           where w.workout_assignment_id = t.assignment and w.sender_id <> t.sender
           order by w.created_at desc limit 1),
          (select n.user_id
           from memberships n
           where n.user_id = a.assigned_by and n.user_id <> t.sender and n.organization_id = t.organization
             and n.status = 'active' and n.deleted_at is null and n.role <> 'member'
             and (select p.deleted_at from users p where p.id = n.user_id) is null),
          (select n.user_id
           from memberships n
           where n.organization_id = t.organization and n.role = 'owner' and n.status = 'active' and n.deleted_at is null and n.user_id <> t.sender
             and (select p.deleted_at from users p where p.id = n.user_id) is null
           order by n.joined_at, n.id limit 1)) end
      limit 1) r on true) x
  order by ord;
end $$;


-- What resolve called 'new', in order of arrival, ids distinct. p_users: senders and recipients, sorted, distinct;
-- *_ix: 1-based index of a row's sender and recipient in it. Row i is created at `at` + i µs.
-- codes: stored | unavailable (a parent row is held or being deleted) | refused, known (resolve once more, answer from there).
-- Raises CW001 when a user has no stream row yet: the application makes it in a statement of its own and calls again.
create function send_messages(
  p_id uuid[], p_organization uuid[], p_sender uuid[], p_as sender_role[], p_recipient uuid[], p_assignment uuid[],
  p_content text[], p_hash bytea[], p_sender_ix int[], p_recipient_ix int[],
  p_users uuid[], p_organizations uuid[], p_assignments uuid[], p_limit int, p_window interval,
  out at timestamptz, out codes text[], out sender_positions bigint[], out recipient_positions bigint[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_free uuid[];
  v_held uuid[];
  v_deleted uuid[];
  v_taken uuid[];
  v_now timestamptz;
  v_last timestamptz;
  v_head bigint[];           -- by user, as p_users
  v_used int[];
  v_started timestamptz[];
  u int;
begin
  -- 1. what the foreign keys will lock: without waiting, before anything of ours
  v_free := array(select id from organizations where id = any (p_organizations) for key share skip locked)
    || array(select id from users where id = any (p_users) for key share skip locked);
  if p_assignments <> '{}' then
    v_free := v_free || array(select id from workout_assignments where id = any (p_assignments) for key share skip locked);
  end if;
  if cardinality(v_free) < cardinality(p_organizations) + cardinality(p_users) + cardinality(p_assignments) then
    v_held := array(select unnest(p_organizations || p_users || p_assignments) except select unnest(v_free));
  end if;

  -- 2. the streams, in id order: from here on these users' messages are serial
  select array_agg(position), array_agg(case when open then window_count else 0 end),
    array_agg(case when open then window_started end), max(last_at)
  into v_head, v_used, v_started, v_last
  from (
    select *, window_started + p_window > clock_timestamp() as open
    from user_streams
    where user_id = any (p_users)
    order by user_id
    for no key update) s;
  if cardinality(v_head) is distinct from cardinality(p_users) then
    raise exception 'user_streams rows are missing' using errcode = 'CW001';
  end if;
  v_now := clock_timestamp();
  at := greatest(v_now, v_last);   -- created_at rises with position for every user, whatever clocks do

  -- 3. rights again, in a snapshot younger than the locks: what has ended is never told after `membership.ended`
  v_deleted := array(select id from organizations where id = any (p_organizations) and deleted_at is not null)
    || array(select id from users where id = any (p_users) and deleted_at is not null);
  select array_agg(
    case
      when v_held is not null
        and (organization = any (v_held) or sender = any (v_held) or recipient = any (v_held) or assignment = any (v_held))
        then 'unavailable'
      when sender_role is null or recipient_role is null then 'refused'
      when v_deleted <> '{}' and (organization = any (v_deleted) or sender = any (v_deleted) or recipient = any (v_deleted)) then 'refused'
      when assignment is null then case when sender_role = 'member' and recipient_role = 'member' then 'refused' else 'stored' end
      when exists (
        select from workout_assignments a
        where a.id = assignment and a.deleted_at is null
          and case when a.user_id = sender then a.published else sender_role <> 'member' end) then 'stored'
      else 'refused' end order by ord)
  into codes
  from (
    select t.*,
      (select m.role from memberships m
       where m.user_id = t.sender and m.organization_id = t.organization and m.status = 'active' and m.deleted_at is null) as sender_role,
      (select m.role from memberships m
       where m.user_id = t.recipient and m.organization_id = t.organization and m.status = 'active' and m.deleted_at is null) as recipient_role
    from unnest(p_organization, p_sender, p_recipient, p_assignment) with ordinality t (organization, sender, recipient, assignment, ord)
    offset 0) t;

  -- 4. quota and positions, in order of arrival; who is not stored moves nothing
  sender_positions := array_fill(null::bigint, array[cardinality(p_id)]);
  recipient_positions := sender_positions;
  for i in 1 .. cardinality(p_id) loop
    continue when codes[i] <> 'stored';
    u := p_sender_ix[i];
    if v_used[u] >= p_limit then
      codes[i] := 'refused';
      continue;
    end if;
    v_used[u] := v_used[u] + 1;
    v_head[u] := v_head[u] + 1;
    sender_positions[i] := v_head[u];
    u := p_recipient_ix[i];
    v_head[u] := v_head[u] + 1;
    recipient_positions[i] := v_head[u];
  end loop;

  -- 5. the ledger decides about ids; by id, so that two batches that meet on the same ids wait in one direction
  with taken as (
    insert into message_ledger (message_id, organization_id, sender_id, low_user_id, high_user_id, workout_assignment_id,
      created_at, payload_hash, sender_position, recipient_position)
    select t.id, t.organization, t.sender, least(t.sender, t.recipient), greatest(t.sender, t.recipient), t.assignment,
      at + t.ord * interval '1 microsecond', t.hash, t.sender_position, t.recipient_position
    from unnest(p_id, p_organization, p_sender, p_recipient, p_assignment, p_hash, sender_positions, recipient_positions, codes)
      with ordinality t (id, organization, sender, recipient, assignment, hash, sender_position, recipient_position, code, ord)
    where t.code = 'stored'
    order by t.id
    on conflict (message_id) do nothing
    returning message_id)
  select array_agg(message_id) into v_taken from taken;
  if cardinality(v_taken) is distinct from cardinality(array_positions(codes, 'stored')) then
    -- rare: the same id came over another connection in this very moment; its positions become 'skipped'
    for i in 1 .. cardinality(p_id) loop
      if codes[i] = 'stored' and p_id[i] <> all (coalesce(v_taken, '{}')) then
        codes[i] := 'known';
        v_used[p_sender_ix[i]] := v_used[p_sender_ix[i]] - 1;
      end if;
    end loop;
  end if;

  -- 6. the messages; the pair's conversation
  insert into messages (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content, created_at)
  select t.id, t.organization, t.sender, t.sent_as, t.recipient, t.assignment, t.content, at + t.ord * interval '1 microsecond'
  from unnest(p_id, p_organization, p_sender, p_as, p_recipient, p_assignment, p_content, codes)
    with ordinality t (id, organization, sender, sent_as, recipient, assignment, content, code, ord)
  where t.code = 'stored'
  order by t.id;
  insert into conversations (organization_id, low_user_id, high_user_id, first_message_at)
  select t.organization, least(t.sender, t.recipient), greatest(t.sender, t.recipient), at
  from unnest(p_organization, p_sender, p_recipient, p_assignment, codes) t (organization, sender, recipient, assignment, code)
  where t.code = 'stored' and t.assignment is null
  on conflict do nothing;

  -- 7. heads and the rate window in one update; the events
  update user_streams s
  set position = d.head,
    last_at = send_messages.at + cardinality(p_id) * interval '1 microsecond',
    window_count = d.used,
    -- by the clock, not by `at`: after a clock was set back, a window from the future would stay open until then
    window_started = case when d.used > 0 and d.started is null then v_now else s.window_started end
  from unnest(p_users, v_head, v_used, v_started) d (user_id, head, used, started)
  cross join lateral (select x.ctid from user_streams x where x.user_id = d.user_id and x.position < d.head offset 0) x
  where s.ctid = x.ctid;   -- ours since step 2, so it stays where it is; by user, s could be read first and as a whole
  insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
  select e.user_id, e.position, case when t.code = 'stored' then 'message.created' else 'skipped' end::event_kind,
    array[t.id], t.organization, send_messages.at
  from unnest(p_id, p_organization, p_sender, sender_positions, p_recipient, recipient_positions, codes)
    t (id, organization, sender, sender_position, recipient, recipient_position, code)
  cross join lateral (values (t.sender, t.sender_position), (t.recipient, t.recipient_position)) e (user_id, position)
  where t.code in ('stored', 'known');
end $$;


-- Receipts for (message, reader) pairs, distinct by message. What is unread, addressed to the reader and free becomes read;
-- the events of both streams come back, one per reader, sender, organization, thread and 500 ids.
-- A row without a user carries ids whose assignment is held or being deleted, or whose reader has left the organization since
-- it was asked: to be asked again, or 'unavailable'. No row: nothing was unread.
-- `belongs` is false for a stream whose user has left the organization, or from whom the thread is kept: they are told nothing
-- of it, the position is skipped.
create function mark_read(p_id uuid[], p_reader uuid[])
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


-- A sender's own message, to be changed: its assignment is locked, if it has one. code is null, or why it may not be:
--   forbidden (no active membership, or somebody else's) | not_found (no such message, or not visible)
--   unavailable (only a cascade takes message rows away, and it begins with the assignment: it is held or being deleted)
create function own_message(p_id uuid, p_organization uuid, p_actor uuid, out code text, out membership_id uuid, out message messages)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_role membership_role;
begin
  select m.id, m.role into membership_id, v_role
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = p_actor and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null;
  select m.* into message from (select m.* from messages m where m.id = p_id offset 0) m where m.organization_id = p_organization;
  code := case
    when v_role is null then 'forbidden'
    when message.id is null
      or (p_actor not in (message.sender_id, message.recipient_id) and (message.workout_assignment_id is null or v_role = 'member'))
      or kept_from(p_actor, message.workout_assignment_id)
      then 'not_found'
    when message.sender_id <> p_actor then 'forbidden' end;
  if code is null and message.workout_assignment_id is not null
    and not exists (select from workout_assignments a where a.id = message.workout_assignment_id for key share skip locked) then
    code := 'unavailable';
  end if;
end $$;


-- An event for both parties of a message, whose row is locked: their new positions, and whether each still belongs (see mark_read).
create function tell_parties(
  p_message messages, p_kind event_kind, p_at timestamptz,
  out users uuid[], out positions bigint[], out belong boolean[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  perform make_streams(array[p_message.sender_id, p_message.recipient_id]);
  perform from user_streams s where s.user_id in (p_message.sender_id, p_message.recipient_id) order by s.user_id for no key update;
  with moved as (
    update user_streams s set position = s.position + 1
    where s.user_id in (p_message.sender_id, p_message.recipient_id)
    returning s.user_id, s.position)
  select array_agg(user_id), array_agg(position),
    array_agg(belongs(user_id, p_message.organization_id) and not kept_from(user_id, p_message.workout_assignment_id))
  into users, positions, belong
  from moved;
  insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
  select t.user_id, t.position, p_kind, array[p_message.id], p_message.organization_id, p_at
  from unnest(users, positions) t (user_id, position);
end $$;


-- A sender takes back a message. code:
--   deleted (users and positions: the events of both parties; `belong`: see mark_read) | already (at: the first time, no event)
--   or why not: see own_message
create function delete_message(
  p_id uuid, p_organization uuid, p_actor uuid,
  out code text, out at timestamptz, out sender_membership_id uuid, out assignment_id uuid, out users uuid[], out positions bigint[],
  out belong boolean[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_own record;
  v_message messages;
begin
  select * into v_own from own_message(p_id, p_organization, p_actor);
  code := v_own.code;
  sender_membership_id := v_own.membership_id;
  v_message := v_own.message;
  if code is not null then
    return;
  end if;
  assignment_id := v_message.workout_assignment_id;
  update messages m set deleted_at = clock_timestamp() where m.id = p_id and m.deleted_at is null returning m.deleted_at into at;
  if at is null then
    select m.deleted_at into at from messages m where m.id = p_id;
    code := case when at is null then 'not_found' else 'already' end;   -- null: the row went away between the two looks
    return;
  end if;
  code := 'deleted';
  select t.users, t.positions, t.belong into users, positions, belong from tell_parties(v_message, 'message.deleted', at) t;
end $$;
