-- Erasure: the words, files and values of a person go, everywhere or in one organization; ids, order and the words of others
-- stay. `erase_step` is called again and again until it says `done`. What a step did and how far the job has come are one
-- transaction: a crash between any two steps loses nothing and doubles nothing.
--
-- Access ends first, in a step of its own. The next one waits for the person's stream: what was being sent meanwhile is committed
-- by then, and what comes after it is refused.

-- Ids only. The same stands in the blob store, which no restored backup of the database takes back: from there they are
-- applied again (`coachwire erase --replay-ledger`).
create table erasures (
  job_id uuid primary key,
  user_id uuid not null,
  organization_id uuid,  -- null: the person
  at timestamptz not null default clock_timestamp()
);

-- A person's comments, for erasure and export.
create index comment_ledger_author_idx on comment_ledger (author_id, created_at, comment_id);

-- Who has erased themselves. Also where the platform keeps its own tables, and has not redacted them yet.
create table erased_people (
  user_id uuid primary key,
  at timestamptz not null default clock_timestamp()
);

-- People who may use the server.
create view living_users as
select u.id, u.clerk_id
from users u
where u.deleted_at is null and not exists (select from erased_people e where e.user_id = u.id);


-- Whoever did it is not one of the organization's people: the operator, or the platform.
create function nobody() returns uuid
language sql immutable
return '00000000-0000-0000-0000-000000000000'::uuid;


-- Begins an erasure, or finds the one that is under way or was: of a person there is one for ever.
create function begin_erasure(p_user uuid, p_organization uuid, p_actor uuid) returns uuid
language plpgsql volatile as $$
declare
  v_job uuid;
begin
  select id into v_job from jobs
  where kind = 'erasure' and user_id = p_user and organization_id is not distinct from p_organization
    and (state = 'running' or p_organization is null)
  order by created_at limit 1;
  if v_job is null then
    insert into jobs (kind, user_id, organization_id, actor_id, stage)
    values ('erasure', p_user, p_organization, p_actor, 'access')
    on conflict (user_id, organization_id) where kind = 'erasure' and state = 'running' do nothing
    returning id into v_job;
    if v_job is null then  -- somebody else began it in this moment
      select id into v_job from jobs
      where kind = 'erasure' and user_id = p_user and organization_id is not distinct from p_organization and state = 'running';
    end if;
    insert into erasures (job_id, user_id, organization_id) values (v_job, p_user, p_organization) on conflict do nothing;
    if found then
      perform audit_deed(m.organization_id, coalesce(p_actor, nobody()), case when p_organization is null then 'person.erased' else 'membership.erased' end,
        p_user, m.id)
      from memberships m
      where m.user_id = p_user and m.organization_id = coalesce(p_organization, m.organization_id);
    end if;
  end if;
  return v_job;
end $$;


-- An erasure that the ledger knows and this database, restored from a backup, does not. False: it knows it, or the person was
-- not there yet.
create function replay_erasure(p_job uuid, p_user uuid, p_organization uuid) returns boolean
language plpgsql volatile as $$
begin
  insert into jobs (id, kind, user_id, organization_id, stage)
  select p_job, 'erasure', p_user, p_organization, 'access'
  where exists (select from users where id = p_user)
  on conflict do nothing;
  if not found then
    return false;
  end if;
  insert into erasures (job_id, user_id, organization_id) values (p_job, p_user, p_organization) on conflict do nothing;
  return true;
end $$;


-- The first step: nobody acts as this person any more (there). Names go at once, where they are ours to change; where they
-- are the platform's, it is told to.
create function erase_access(p_user uuid, p_organization uuid) returns void
language plpgsql volatile as $$
begin
  if p_organization is not null then
    update memberships set status = 'cancelled', end_date = coalesce(end_date, now())
    where user_id = p_user and organization_id = p_organization and status <> 'cancelled';
    return;
  end if;
  insert into erased_people (user_id) values (p_user) on conflict do nothing;
  update memberships set status = 'cancelled', end_date = coalesce(end_date, now()) where user_id = p_user and status <> 'cancelled';
  if has_column_privilege('users', 'email', 'update') then
    update users
    set email = 'erased-' || id || '@invalid', clerk_id = null, first_name = null, last_name = null, phone = null, image_url = null,
      deleted_at = coalesce(deleted_at, now()), updated_at = now()
    where id = p_user;
  end if;
  insert into outbox (kind, user_id, subject_id, due_at) values ('person.erased', p_user, p_user, now());
end $$;


-- Up to 500 messages by this person, from where the job stands: words and files go, and everybody who held a copy is told.
-- `held`: some belong to an assignment that is being deleted or is locked; the job stays before them.
create function erase_messages(
  p_job jobs, out rows int, out held boolean, out last_at timestamptz, out last_id uuid,
  out users uuid[], out afters bigint[], out throughs bigint[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_at timestamptz := clock_timestamp();
  v_parents uuid[];
  v_free uuid[] := '{}';
  v_id uuid[];
  v_all uuid[];
  v_organization uuid[];
  v_recipient uuid[];
  v_assignment uuid[];
  v_files int;
begin
  select array_agg(id order by created_at, id), count(*), max(created_at), (array_agg(id order by created_at desc, id desc))[1],
    array_agg(distinct workout_assignment_id) filter (where workout_assignment_id is not null)
  into v_all, rows, last_at, last_id, v_parents
  from (
    select m.id, m.created_at, m.workout_assignment_id
    from messages m
    where m.sender_id = p_job.user_id and (p_job.organization_id is null or m.organization_id = p_job.organization_id)
      and (m.created_at, m.id) > (coalesce(p_job.cursor_at, '-infinity'), coalesce(p_job.cursor_id, '00000000-0000-0000-0000-000000000000'))
    order by m.created_at, m.id
    limit 500) m;
  if v_parents is not null then
    v_free := array(select a.id from workout_assignments a where a.id = any (v_parents) for key share skip locked);
  end if;
  held := cardinality(v_free) < coalesce(cardinality(v_parents), 0);

  select array_agg(id), array_agg(organization_id), array_agg(recipient_id), array_agg(workout_assignment_id)
  into v_id, v_organization, v_recipient, v_assignment
  from (
    select m.id, m.organization_id, m.recipient_id, m.workout_assignment_id
    from messages m
    where m.id = any (v_all) and (m.workout_assignment_id is null or m.workout_assignment_id = any (v_free))
    order by m.id
    for no key update of m) m
  where not exists (select from message_ledger l where l.message_id = m.id and l.erased_at is not null);
  if v_id is null then
    return;
  end if;
  update messages set content = null where id = any (v_id) and content is not null;
  delete from message_attachments where message_id = any (v_id);
  get diagnostics v_files = row_count;
  -- One that somebody wrote past us gets its row here.
  insert into message_ledger (message_id, organization_id, sender_id, low_user_id, high_user_id, workout_assignment_id, created_at, erased_at)
  select m.id, m.organization_id, m.sender_id, least(m.sender_id, m.recipient_id), greatest(m.sender_id, m.recipient_id),
    m.workout_assignment_id, m.created_at, v_at
  from messages m where m.id = any (v_id)
  order by m.id
  on conflict (message_id) do update set erased_at = v_at, payload_hash = null;
  delete from message_search where message_id = any (v_id);
  perform clear_notifications(v_id);
  perform count_job(p_job.id, 'messages', cardinality(v_id));
  perform count_job(p_job.id, 'attachments', v_files);

  perform make_streams(v_recipient);
  perform from user_streams where user_id = any (v_recipient) order by user_id for no key update;
  with grouped as (
    select recipient, organization, assignment, array_agg(id order by id) as ids
    from unnest(v_id, v_organization, v_recipient, v_assignment) t (id, organization, recipient, assignment)
    group by recipient, organization, assignment),
  numbered as (
    select g.*, s.position + row_number() over (partition by g.recipient) as position
    from grouped g join user_streams s on s.user_id = g.recipient),
  added as (
    insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
    select recipient, position, 'message.erased', ids, organization, v_at from numbered),
  moved as (
    update user_streams s set position = d.through
    from (select recipient, max(position) as through from numbered group by recipient) d
    where s.user_id = d.recipient)
  select array_agg(recipient), array_agg(first - 1), array_agg(last) into users, afters, throughs
  from (select recipient, min(position) as first, max(position) as last from numbered group by recipient) d;
  perform tell_topics(
    array_agg('thread:' || t.assignment), array_agg('message.erased'::event_kind), array_agg(t.id), array_agg(t.organization), v_at)
  from unnest(v_id, v_organization, v_assignment) t (id, organization, assignment)
  where t.assignment is not null
  having count(*) > 0;
end $$;


-- Fingerprints of what they asked for, of messages whose rows are gone already: the ledger has no index by sender, so it is
-- walked by its key, 5,000 rows a step.
create function erase_hashes(p_job jobs, out rows int, out last_id uuid)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_ids uuid[];
begin
  select count(*), (array_agg(message_id order by message_id desc))[1],
    array_agg(message_id) filter (
      where sender_id = p_job.user_id and payload_hash is not null
        and (p_job.organization_id is null or organization_id = p_job.organization_id))
  into rows, last_id, v_ids
  from (
    select l.message_id, l.sender_id, l.organization_id, l.payload_hash
    from message_ledger l
    where l.message_id > coalesce(p_job.cursor_id, '00000000-0000-0000-0000-000000000000')
    order by l.message_id
    limit 5000) l;
  if v_ids is not null then
    update message_ledger set payload_hash = null, erased_at = coalesce(erased_at, clock_timestamp()) where message_id = any (v_ids);
    perform count_job(p_job.id, 'fingerprints', cardinality(v_ids));
  end if;
end $$;


-- Up to 500 comments by this person, from where the job stands: bodies go, and whoever watches their exercise is told.
create function erase_comments(p_job jobs, out rows int, out held boolean, out last_at timestamptz, out last_id uuid)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_at timestamptz := clock_timestamp();
  v_all uuid[];
  v_movements uuid[];
  v_free uuid[] := '{}';
  v_ids uuid[];
begin
  select array_agg(comment_id), count(*), max(created_at), (array_agg(comment_id order by created_at desc, comment_id desc))[1],
    array_agg(distinct workout_movement_id)
  into v_all, rows, last_at, last_id, v_movements
  from (
    select l.comment_id, l.created_at, l.workout_movement_id
    from comment_ledger l
    where l.author_id = p_job.user_id and (p_job.organization_id is null or l.organization_id = p_job.organization_id)
      and (l.created_at, l.comment_id) > (coalesce(p_job.cursor_at, '-infinity'), coalesce(p_job.cursor_id, '00000000-0000-0000-0000-000000000000'))
    order by l.created_at, l.comment_id
    limit 500) l;
  if v_all is null then
    held := false;
    return;
  end if;
  v_free := array(select v.id from workout_movements v where v.id = any (v_movements) for key share skip locked);
  held := exists (
    select from workout_movements v where v.id = any (v_movements) and v.id <> all (v_free));
  perform from exercise_comments c
  where c.id = any (v_all) and c.workout_movement_id = any (v_free)
  order by c.id
  for no key update of c;
  -- Of those whose rows are gone, the ledger is all there is.
  v_ids := array(
    select l.comment_id from comment_ledger l
    where l.comment_id = any (v_all) and l.erased_at is null
      and not exists (select from exercise_comments c where c.id = l.comment_id and c.workout_movement_id <> all (v_free))
    order by l.comment_id);
  update exercise_comments set body = '' where id = any (v_ids);
  update comment_ledger set erased_at = v_at, payload_hash = null where comment_id = any (v_ids);
  perform clear_notifications(v_ids);
  perform count_job(p_job.id, 'comments', cardinality(v_ids));
  perform tell_topics(
    array_agg('exercise:' || l.workout_movement_id), array_agg('comment.erased'::event_kind), array_agg(l.comment_id),
    array_agg(l.organization_id), v_at)
  from comment_ledger l
  where l.comment_id = any (v_ids)
  having count(*) > 0;
end $$;


-- Up to 500 values: they go, or, in one organization, its view of them; whoever watches them there is told.
create function erase_values(p_job jobs, out rows int)
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_at timestamptz := clock_timestamp();
  v_ids uuid[];
  v_organizations uuid[];
begin
  select array_agg(value_id), array_agg(organization_id), count(*) into v_ids, v_organizations, rows
  from (
    select o.value_id, o.organization_id
    from metric_origins o
    where o.member_id = p_job.user_id
      and case when p_job.organization_id is null then o.organization_id is not null or o.payload_hash is not null
        else o.organization_id = p_job.organization_id end
    order by o.value_id
    limit 500
    for no key update) o;
  if p_job.organization_id is null then
    delete from member_metrics where id = any (v_ids);
    update metric_origins set organization_id = null, payload_hash = null where value_id = any (v_ids);
  else
    update metric_origins set organization_id = null where value_id = any (v_ids);
  end if;
  perform count_job(p_job.id, 'values', rows);
  perform tell_topics(
    array_agg('metrics:' || m.id), array_agg('metric.erased'::event_kind), array_agg(t.id), array_agg(t.organization), v_at)
  from unnest(v_ids, v_organizations) t (id, organization)
  join memberships m on m.user_id = p_job.user_id and m.organization_id = t.organization
  having count(*) > 0;
end $$;


-- Files that were not sent. By id: a send that claims them locks them in that order.
create function erase_uploads(p_job jobs) returns void
language sql volatile as $$
  delete from uploads where id = any (array(
    select u.id
    from uploads u
    where u.user_id = p_job.user_id and u.message_id is null
      and (p_job.organization_id is null or u.organization_id = p_job.organization_id)
    order by u.id
    for update))
$$;


-- What is left about them beside their words.
create function erase_traces(p_job jobs) returns void
language plpgsql volatile as $$
declare
  v_count bigint;
begin
  if p_job.organization_id is null then
    delete from devices where user_id = p_job.user_id;
    get diagnostics v_count = row_count;
    perform count_job(p_job.id, 'devices', v_count);
    delete from thread_marks where user_id = p_job.user_id;
    delete from member_metrics where member_id = p_job.user_id;  -- written past Coachwire
    get diagnostics v_count = row_count;
    perform count_job(p_job.id, 'values', v_count);
    delete from metric_grants where user_id = p_job.user_id;
    get diagnostics v_count = row_count;
    perform count_job(p_job.id, 'grants', v_count);
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


-- The next step of an erasure. `busy`: another instance is at it; `held`: something was locked, come back a little later.
-- `gone`: the person whose sockets are to be closed now. Streams have got events after `afters` through `throughs`.
create function erase_step(
  p_job uuid, out busy boolean, out done boolean, out held boolean, out gone uuid,
  out users uuid[], out afters bigint[], out throughs bigint[])
language plpgsql volatile as $$
#variable_conflict use_column
declare
  v_job jobs;
  v_stages text[] := array['access', 'ledger', 'messages', 'fingerprints', 'comments', 'values', 'copies', 'traces'];
  v_step record;
  v_more boolean := false;
begin
  select * into v_job from jobs where id = p_job and kind = 'erasure' for no key update skip locked;
  busy := v_job.id is null;
  done := coalesce(v_job.state <> 'running', false);
  held := false;
  if busy or done then
    return;
  end if;
  case v_job.stage
    when 'access' then
      perform erase_access(v_job.user_id, v_job.organization_id);
      gone := case when v_job.organization_id is null then v_job.user_id end;
    when 'messages' then
      select * into v_step from erase_messages(v_job);
      users := v_step.users;
      afters := v_step.afters;
      throughs := v_step.throughs;
      held := v_step.held;
      v_more := v_step.held or v_step.rows = 500;
      if not v_step.held then
        v_job.cursor_at := v_step.last_at;
        v_job.cursor_id := v_step.last_id;
      end if;
    when 'fingerprints' then
      select * into v_step from erase_hashes(v_job);
      v_more := v_step.rows = 5000;
      v_job.cursor_id := v_step.last_id;
    when 'comments', 'copies' then  -- a workout that was forked meanwhile has copied comments behind the job's back
      select * into v_step from erase_comments(v_job);
      held := v_step.held;
      v_more := v_step.held or v_step.rows = 500;
      if not v_step.held then
        v_job.cursor_at := v_step.last_at;
        v_job.cursor_id := v_step.last_id;
      end if;
    when 'values' then
      v_more := (select v.rows = 500 from erase_values(v_job) v);
    when 'traces' then
      perform erase_traces(v_job);
    else
      -- 'ledger': whoever calls has written it down outside the database. Who was being let through when access ended holds the
      -- person's stream until they commit; whoever takes it later finds that it has ended.
      perform from user_streams where user_id = v_job.user_id for no key update;
  end case;
  if not v_more then
    v_job.cursor_at := null;
    v_job.cursor_id := null;
    v_job.stage := v_stages[array_position(v_stages, v_job.stage) + 1];
    done := v_job.stage is null;
  end if;
  update jobs
  set stage = coalesce(v_job.stage, 'done'), cursor_at = v_job.cursor_at, cursor_id = v_job.cursor_id, moved_at = clock_timestamp(),
    state = case when erase_step.done then 'done' else 'running' end::job_state,
    finished_at = case when erase_step.done then clock_timestamp() end
  where id = p_job;
end $$;
