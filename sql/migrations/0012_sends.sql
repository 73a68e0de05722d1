-- The statements behind message.send, message.edit and message.delete, with what came after 0005: threads that are watched,
-- files, notifications, and owners and admins who delete what others wrote; and the record of what they did.
--
-- Lock order, everywhere: uploads by id → what foreign keys need (key share, never waited for) → existing message rows by id
--   → outbox rows by id → user_streams by user → topic_streams by name → new rows.


-- What was done to others, for owners and admins to see. Ids and facts, never words. Only ever grows.
create table audit (
  id uuid primary key default gen_random_uuid(),
  at timestamptz not null default clock_timestamp(),
  organization_id uuid not null,
  actor_id uuid not null,
  action text not null,
  subject_user_id uuid,
  subject_id uuid,
  details jsonb not null default '{}'
);
create index audit_organization_idx on audit (organization_id, at, id);  -- read backwards, keyset

create function refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception 'what is written in % stays', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger coachwire_append_only before update or delete or truncate on audit
  for each statement execute function refuse_change();


-- Writes down a deed, in the transaction that does it. p_details: under the names of the wire.
create function audit_deed(
  p_organization uuid, p_actor uuid, p_action text, p_subject_user uuid, p_subject uuid, p_details jsonb default '{}')
returns void
language sql volatile as $$
  insert into audit (organization_id, actor_id, action, subject_user_id, subject_id, details)
  values (p_organization, p_actor, p_action, p_subject_user, p_subject, p_details)
$$;


-- Drafts that were deleted with what had been said in them: their member never knew of it, and is told nothing of its end either.
create table deleted_drafts (
  workout_assignment_id uuid primary key,
  user_id uuid not null
);

create function note_deleted_draft() returns trigger
language plpgsql volatile security definer
as $$
begin
  if exists (select from messages m where m.workout_assignment_id = old.id) then
    insert into deleted_drafts (workout_assignment_id, user_id) values (old.id, old.user_id) on conflict do nothing;
  end if;
  return old;
end $$;

create trigger coachwire_draft_deleted before delete on workout_assignments
  for each row when (not old.published) execute function note_deleted_draft();


-- As in 0005, and of drafts that were deleted.
create or replace function kept_from(p_user uuid, p_assignment uuid) returns boolean
  language sql stable
  return exists (
    select from workout_assignments a
    where a.id = p_assignment and (a.deleted_at is not null or (a.user_id = p_user and not a.published)))
  or exists (select from deleted_drafts d where d.workout_assignment_id = p_assignment and d.user_id = p_user);


-- How far staff have followed a workout's thread, goes with it. Waits for nobody: who holds such a row, is taking it away.
create index thread_marks_assignment_idx on thread_marks (workout_assignment_id);

create function drop_thread_marks() returns trigger
language plpgsql volatile security definer
set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  delete from thread_marks k
  where (k.user_id, k.workout_assignment_id) in (
    select l.user_id, l.workout_assignment_id
    from changed c
    join thread_marks l on l.workout_assignment_id = c.id
    for update of l skip locked);
  return null;
end $$;

create trigger coachwire_marks_dropped after delete on workout_assignments
  referencing old table as changed for each statement execute function drop_thread_marks();

delete from thread_marks k where not exists (select from workout_assignments a where a.id = k.workout_assignment_id);

do $$
declare
  name text;
begin
  foreach name in array array['note_deleted_draft()', 'drop_thread_marks()'] loop
    execute format('alter function %s set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;


drop function resolve_sends(uuid[], uuid[], uuid[], uuid[], uuid[], bytea[], int, interval);

-- Who is meant, may they, is the id known, do the files attach: one row a request, in the order asked, without a lock.
-- p_uploads: the files of all rows, in order; p_upload_rows: the 1-based row of each.
-- The only place that decides on answers. code:
--   new                        may be stored
--   duplicate                  stored before by this sender with this payload (or erased since)
--   conflict                   the id is taken by another payload or another sender
--   gone                       hard-deleted, or the recipient is no longer active
--   upload_not_found           not among this sender's in this organization, or not claimed in time
--   upload_conflict            attached before, or twice in this message
--   upload_not_ready           not completed, still processed, or refused
--   forbidden | not_found | bad_request | rate_limited
create function resolve_sends(
  p_id uuid[], p_organization uuid[], p_sender uuid[], p_membership uuid[], p_assignment uuid[], p_hash bytea[],
  p_uploads uuid[], p_upload_rows int[], p_limit int, p_window interval)
returns table (
  code text, sender_membership_id uuid, sender_as sender_role, sender_name text,
  recipient_membership_id uuid, recipient_id uuid, first_created_at timestamptz, retry_at timestamptz)
language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_refused text[];  -- why a row's files do not attach
begin
  if p_uploads <> '{}' then
    v_refused := array(
      select g.code
      from generate_series(1, cardinality(p_id)) i
      left join lateral (
        select case
          when count(u.id) < count(*) then 'upload_not_found'
          when count(u.message_id) > 0 or count(distinct f.id) < count(*) then 'upload_conflict'
          when not bool_and(u.state = 'ready') then 'upload_not_ready' end as code
        from unnest(p_uploads, p_upload_rows) f (id, place)
        left join lateral (
          select u.id, u.user_id, u.organization_id, u.state, u.message_id, u.created_at from uploads u where u.id = f.id
          offset 0) u
          on u.user_id = p_sender[i] and u.organization_id = p_organization[i]
            and (u.message_id is not null or u.created_at > clock_timestamp() - interval '900 seconds')
        where f.place = i) g on true
      order by i);
  end if;
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
        when v_refused[t.ord] is not null then v_refused[t.ord]
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


drop function send_messages(
  uuid[], uuid[], uuid[], sender_role[], uuid[], uuid[], text[], bytea[], int[], int[], uuid[], uuid[], uuid[], int, interval);

-- What resolve called 'new', in order of arrival, ids distinct. p_users: senders and recipients, sorted, distinct;
-- *_ix: 1-based index of a row's sender and recipient in it. p_uploads, p_upload_rows: see resolve_sends. Row i is created at
-- `at` + i µs. p_notify: whether recipients are told of what they miss.
-- codes: stored | unavailable (a parent row is held or being deleted) | refused, known (resolve once more, answer from there).
-- topic_positions: of the events in the threads' topics; null where there is none, as a whole when there is no thread in it.
-- files: of each row as `shown_messages` has them (migration 0016); null likewise.
-- Raises CW001 when a user has no stream row yet: the application makes it in a statement of its own and calls again.
create function send_messages(
  p_id uuid[], p_organization uuid[], p_sender uuid[], p_as sender_role[], p_recipient uuid[], p_assignment uuid[],
  p_content text[], p_hash bytea[], p_sender_ix int[], p_recipient_ix int[],
  p_users uuid[], p_organizations uuid[], p_assignments uuid[], p_uploads uuid[], p_upload_rows int[], p_notify boolean,
  p_limit int, p_window interval,
  out at timestamptz, out codes text[], out sender_positions bigint[], out recipient_positions bigint[],
  out topic_positions bigint[], out files text[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_lacking int[];           -- rows whose files were claimed by others meanwhile, or by an earlier row, or ran out
  v_places bigint[];
  v_told bigint[];
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
  -- 1. the files, by id: who claims one that another send is claiming waits for it, and holds nothing yet
  if p_uploads <> '{}' then
    perform from uploads where id = any (p_uploads) order by id for no key update;
    v_lacking := array(
      select distinct f.place
      from (
        select f.id, f.place, row_number() over (partition by f.id order by f.ord) as claim
        from unnest(p_uploads, p_upload_rows) with ordinality f (id, place, ord)) f
      left join lateral (
        select u.user_id, u.organization_id, u.state, u.message_id, u.created_at from uploads u where u.id = f.id offset 0) u on true
      where f.claim > 1
        or (u.user_id = p_sender[f.place] and u.organization_id = p_organization[f.place] and u.state = 'ready' and u.message_id is null
          and u.created_at > clock_timestamp() - interval '900 seconds') is not true);
  end if;

  -- 2. what the foreign keys will lock: without waiting, before anything of the users
  v_free := array(select id from organizations where id = any (p_organizations) for key share skip locked)
    || array(select id from users where id = any (p_users) for key share skip locked);
  if p_assignments <> '{}' then
    v_free := v_free || array(select id from workout_assignments where id = any (p_assignments) for key share skip locked);
  end if;
  if cardinality(v_free) < cardinality(p_organizations) + cardinality(p_users) + cardinality(p_assignments) then
    v_held := array(select unnest(p_organizations || p_users || p_assignments) except select unnest(v_free));
  end if;

  -- 3. the streams, in id order: from here on these users' messages are serial
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

  -- 4. rights again, in a snapshot younger than the locks: what has ended is never told after `membership.ended`
  v_deleted := array(select id from organizations where id = any (p_organizations) and deleted_at is not null)
    || array(select id from users where id = any (p_users) and deleted_at is not null);
  select array_agg(
    case
      when v_held is not null
        and (organization = any (v_held) or sender = any (v_held) or recipient = any (v_held) or assignment = any (v_held))
        then 'unavailable'
      when ord = any (v_lacking) then 'refused'
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

  -- 5. quota and positions, in order of arrival; who is not stored moves nothing
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

  -- 6. the ledger decides about ids; by id, so that two batches that meet on the same ids wait in one direction
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

  -- 7. the messages with their files; the pair's conversation
  insert into messages (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content, created_at)
  select t.id, t.organization, t.sender, t.sent_as, t.recipient, t.assignment, t.content, at + t.ord * interval '1 microsecond'
  from unnest(p_id, p_organization, p_sender, p_as, p_recipient, p_assignment, p_content, codes)
    with ordinality t (id, organization, sender, sent_as, recipient, assignment, content, code, ord)
  where t.code = 'stored'
  order by t.id;
  if p_uploads <> '{}' then
    with claimed as (
      update uploads u
      set message_id = p_id[f.place], claimed_at = send_messages.at
      from (
        select f.id, f.place, row_number() over (partition by f.place order by f.ord) - 1 as n
        from unnest(p_uploads, p_upload_rows) with ordinality f (id, place, ord)
        where codes[f.place] = 'stored') f
      where u.id = f.id
      returning u.id, u.message_id, u.type, u.mime_type, u.size, u.key, u.thumbnail_key, f.place, f.n),
    attached as (
      -- the order in which they were sent is that of their times
      insert into message_attachments (id, message_id, type, r2_key, size, mime_type, thumbnail_r2_key, created_at)
      select c.id, c.message_id, c.type, c.key, c.size, c.mime_type, c.thumbnail_key, at + (c.place + c.n) * interval '1 microsecond'
      from claimed c
      order by c.id)
    select array_agg((
      select json_agg(json_build_array(c.id, c.type, c.mime_type, c.size, c.key, c.thumbnail_key) order by c.n)::text
      from claimed c where c.place = i) order by i)
    into files
    from generate_series(1, cardinality(p_id)) i;
  end if;
  insert into conversations (organization_id, low_user_id, high_user_id, first_message_at)
  select t.organization, least(t.sender, t.recipient), greatest(t.sender, t.recipient), at
  from unnest(p_organization, p_sender, p_recipient, p_assignment, codes) t (organization, sender, recipient, assignment, code)
  where t.code = 'stored' and t.assignment is null
  on conflict do nothing;

  -- 8. heads and the rate window in one update; the events
  update user_streams s
  set position = d.head,
    last_at = send_messages.at + cardinality(p_id) * interval '1 microsecond',
    window_count = d.used,
    -- by the clock, not by `at`: after a clock was set back, a window from the future would stay open until then
    window_started = case when d.used > 0 and d.started is null then v_now else s.window_started end
  from unnest(p_users, v_head, v_used, v_started) d (user_id, head, used, started)
  cross join lateral (select x.ctid from user_streams x where x.user_id = d.user_id and x.position < d.head offset 0) x
  where s.ctid = x.ctid;   -- ours since step 3, so it stays where it is; by user, s could be read first and as a whole
  insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
  select e.user_id, e.position, case when t.code = 'stored' then 'message.created' else 'skipped' end::event_kind,
    array[t.id], t.organization, send_messages.at
  from unnest(p_id, p_organization, p_sender, sender_positions, p_recipient, recipient_positions, codes)
    t (id, organization, sender, sender_position, recipient, recipient_position, code)
  cross join lateral (values (t.sender, t.sender_position), (t.recipient, t.recipient_position)) e (user_id, position)
  where t.code in ('stored', 'known');

  -- 9. who watches the threads; and who is told of what they miss, a draft's member of nothing
  if p_assignments <> '{}' then
    select array_agg(t.ord order by t.ord),
      tell_topics(
        array_agg('thread:' || t.assignment order by t.ord), array_fill('message.created'::event_kind, array[count(*)::int]),
        array_agg(t.id order by t.ord), array_agg(t.organization order by t.ord), send_messages.at)
    into v_places, v_told
    from unnest(p_id, p_organization, p_assignment, codes) with ordinality t (id, organization, assignment, code, ord)
    where t.code = 'stored' and t.assignment is not null
    having count(*) > 0;
    if v_places is not null then
      topic_positions := array_fill(null::bigint, array[cardinality(p_id)]);
      for i in 1 .. cardinality(v_places) loop
        topic_positions[v_places[i]] := v_told[i];
      end loop;
    end if;
  end if;
  if p_notify then
    perform notify_of('message', array_agg(t.recipient), array_agg(t.organization), array_agg(t.id), array_agg(t.recipient_position))
    from unnest(p_id, p_organization, p_recipient, p_assignment, recipient_positions, codes)
      t (id, organization, recipient, assignment, recipient_position, code)
    where t.code = 'stored' and not kept_from(t.recipient, t.assignment)
    having count(*) > 0;
  end if;
end $$;


drop function own_message(uuid, uuid, uuid);

-- A message that somebody wants to change: its assignment is locked, if it has one. p_moderates: whether owner and admin may,
-- as well as the sender: any message of the organization. code is null, or why it may not be:
--   forbidden (no active membership, or somebody else's) | not_found (no such message, or not visible)
--   unavailable (only a cascade takes message rows away, and it begins with the assignment: it is held or being deleted)
create function changeable_message(
  p_id uuid, p_organization uuid, p_actor uuid, p_moderates boolean, out code text, out message messages)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_role membership_role;
  v_moderates boolean;
begin
  select m.role into v_role
  from memberships m
  join organizations o on o.id = m.organization_id and o.deleted_at is null
  where m.user_id = p_actor and m.organization_id = p_organization and m.status = 'active' and m.deleted_at is null;
  select m.* into message from (select m.* from messages m where m.id = p_id offset 0) m where m.organization_id = p_organization;
  v_moderates := p_moderates and v_role in ('owner', 'admin');
  code := case
    when v_role is null then 'forbidden'
    when message.id is null
      or (p_actor not in (message.sender_id, message.recipient_id) and not v_moderates
        and (message.workout_assignment_id is null or v_role = 'member'))
      or kept_from(p_actor, message.workout_assignment_id)
      then 'not_found'
    when message.sender_id <> p_actor and not v_moderates then 'forbidden' end;
  if code is null and message.workout_assignment_id is not null
    and not exists (select from workout_assignments a where a.id = message.workout_assignment_id for key share skip locked) then
    code := 'unavailable';
  end if;
end $$;


-- The event for who watches the message's thread, after its parties were told: its position; null for a direct message.
create function tell_thread(p_message messages, p_kind event_kind, p_at timestamptz) returns bigint
language plpgsql volatile as $$
begin
  if p_message.workout_assignment_id is null then
    return null;
  end if;
  return (tell_topics(
    array['thread:' || p_message.workout_assignment_id], array[p_kind], array[p_message.id], array[p_message.organization_id], p_at))[1];
end $$;


drop function delete_message(uuid, uuid, uuid);

-- A sender takes back a message, or owner or admin delete somebody else's, which is written down. code:
--   deleted (users and positions: the events of both parties; `belong`: see mark_read) | already (at: the first time, no event)
--   or why not: see changeable_message
create function delete_message(
  p_id uuid, p_organization uuid, p_actor uuid,
  out code text, out at timestamptz, out sender_membership_id uuid, out assignment_id uuid, out users uuid[], out positions bigint[],
  out belong boolean[], out topic_position bigint)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_found record;
  v_message messages;
begin
  select * into v_found from changeable_message(p_id, p_organization, p_actor, true);
  code := v_found.code;
  v_message := v_found.message;
  if code is not null then
    return;
  end if;
  assignment_id := v_message.workout_assignment_id;
  select m.id into sender_membership_id
  from memberships m
  where m.user_id = v_message.sender_id and m.organization_id = p_organization;
  update messages m set deleted_at = clock_timestamp() where m.id = p_id and m.deleted_at is null returning m.deleted_at into at;
  if at is null then
    select m.deleted_at into at from messages m where m.id = p_id;
    code := case when at is null then 'not_found' else 'already' end;   -- null: the row went away between the two looks
    return;
  end if;
  code := 'deleted';
  perform clear_notifications(array[p_id]);
  select t.users, t.positions, t.belong into users, positions, belong from tell_parties(v_message, 'message.deleted', at) t;
  topic_position := tell_thread(v_message, 'message.deleted', at);
  if v_message.sender_id <> p_actor then
    perform audit_deed(p_organization, p_actor, 'message.deleted', v_message.sender_id, p_id,
      jsonb_build_object('workoutAssignmentId', assignment_id, 'recipientMembershipId', (
        select m.id from memberships m where m.user_id = v_message.recipient_id and m.organization_id = p_organization)));
  end if;
end $$;


drop function edit_message(uuid, uuid, uuid, text, boolean, interval);

-- A sender says it otherwise. p_blank: nothing is left of the content after trimming, by the protocol's rule. p_window: how
-- long the installation lets a message be edited. code:
--   edited (users and positions: the events of both parties; belong: see mark_read)
--   unchanged (at: when it was edited to this content; no event, and no matter how long ago: a retry is harmless)
--   gone (deleted or erased) | bad_request (blank, and no attachments) | edit_window_over | or why not: see changeable_message
create function edit_message(
  p_id uuid, p_organization uuid, p_actor uuid, p_content text, p_blank boolean, p_window interval,
  out code text, out at timestamptz, out assignment_id uuid, out users uuid[], out positions bigint[], out belong boolean[],
  out topic_position bigint)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_message messages;
  v_window interval;
begin
  -- 1. may they, and the assignment
  select o.code into code from changeable_message(p_id, p_organization, p_actor, false) o;
  if code is not null then
    return;
  end if;

  -- 2. the message: what is decided from here on is decided on its newest state
  select m.* into v_message from messages m where m.id = p_id for no key update;
  code := case
    when v_message.id is null then 'not_found'   -- the row went away between the two looks
    when v_message.deleted_at is not null
      or exists (select from message_ledger l where l.message_id = p_id and l.erased_at is not null) then 'gone'
    when p_blank and not exists (select from message_attachments f where f.message_id = p_id) then 'bad_request'
    when v_message.edited_at is not null and v_message.content = p_content then 'unchanged' end;
  if code = 'unchanged' then
    at := v_message.edited_at;
  end if;
  if code is not null then
    return;
  end if;
  v_window := coalesce(
    (select make_interval(secs => s.edit_window) from organization_settings s where s.organization_id = p_organization), p_window);
  if v_window = interval '0' or clock_timestamp() >= v_message.created_at + v_window then
    code := 'edit_window_over';
    return;
  end if;
  code := 'edited';
  -- edited_at rises, whatever clocks do
  at := greatest(clock_timestamp(), coalesce(v_message.edited_at, v_message.created_at) + interval '1 microsecond');
  update messages m set content = p_content, edited_at = edit_message.at where m.id = p_id;

  -- 3. the streams, by user; then who watches the thread
  select t.users, t.positions, t.belong into users, positions, belong from tell_parties(v_message, 'message.edited', at) t;
  assignment_id := v_message.workout_assignment_id;
  topic_position := tell_thread(v_message, 'message.edited', at);
end $$;
