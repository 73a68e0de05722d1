-- Retention: messages older than an organization keeps them go, in steps of 500 that hold no lock for long, and each person
-- who had some is told once a run (`history.trimmed`). Their ids stay taken; the ledger keeps them.

-- Begins a run for each organization that has something to trim and had no run within these hours. Returns how many.
create function begin_retention(p_hours int) returns int
language plpgsql volatile as $$
declare
  v_count int;
begin
  perform pg_advisory_xact_lock(hashtextextended('coachwire.retention', 0));  -- instances look at the same time
  insert into jobs (kind, organization_id, stage, before)
  select 'retention', s.organization_id, 'messages', now() - make_interval(days => s.message_retention_days)
  from organization_settings s
  where s.message_retention_days is not null
    and exists (
      select from messages m
      where m.organization_id = s.organization_id and m.created_at < now() - make_interval(days => s.message_retention_days))
    and not exists (
      select from jobs j
      where j.kind = 'retention' and j.organization_id = s.organization_id
        and (j.state = 'running' or j.finished_at > now() - make_interval(hours => p_hours)));
  get diagnostics v_count = row_count;
  return v_count;
end $$;


-- The next step of a run. `busy`: another instance is at it. Streams have got events after `afters` through `throughs`.
-- A message whose assignment is locked in this moment is left for the next run.
create function retention_step(
  p_job uuid, out busy boolean, out done boolean, out users uuid[], out afters bigint[], out throughs bigint[])
language plpgsql volatile
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_job jobs;
  v_ids uuid[];
  v_parents uuid[];
  v_free uuid[] := '{}';
  v_people uuid[];
  v_count int;
begin
  select * into v_job from jobs where id = p_job and kind = 'retention' for no key update skip locked;
  busy := v_job.id is null;
  done := coalesce(v_job.state <> 'running', false);
  if busy or done then
    return;
  end if;
  perform set_config('coachwire.quiet', 'on', true);  -- this is not told message by message

  if v_job.stage = 'messages' then
    select array_agg(id), array_agg(distinct workout_assignment_id) filter (where workout_assignment_id is not null), count(*),
      max(created_at), (array_agg(id order by created_at desc, id desc))[1]
    into v_ids, v_parents, v_count, v_job.cursor_at, v_job.cursor_id
    from (
      select m.id, m.created_at, m.workout_assignment_id
      from messages m
      where m.organization_id = v_job.organization_id and m.created_at < v_job.before
        and m.created_at >= coalesce(v_job.cursor_at, '-infinity')
        and (m.created_at, m.id) > (coalesce(v_job.cursor_at, '-infinity'), coalesce(v_job.cursor_id, '00000000-0000-0000-0000-000000000000'))
      order by m.created_at, m.id
      limit 500) m;
    if v_parents is not null then
      v_free := array(select a.id from workout_assignments a where a.id = any (v_parents) for key share skip locked);
    end if;
    v_ids := array(
      select m.id from messages m
      where m.id = any (v_ids) and (m.workout_assignment_id is null or m.workout_assignment_id = any (v_free))
      order by m.id
      for update of m);
    with gone as (
      delete from messages where id = any (v_ids) returning sender_id, recipient_id)
    insert into job_people (job_id, user_id)
    select distinct p_job, e.user_id from gone cross join lateral (values (sender_id), (recipient_id)) e (user_id)
    on conflict do nothing;
    perform count_job(p_job, 'messages', cardinality(v_ids));
    if v_count < 500 then
      v_job.stage := 'people';
      v_job.cursor_at := null;
      v_job.cursor_id := null;
    end if;
  else
    v_people := array(select user_id from job_people where job_id = p_job order by user_id limit 500);
    delete from job_people where job_id = p_job and user_id = any (v_people);
    perform make_streams(v_people);
    perform from user_streams where user_id = any (v_people) order by user_id for no key update;
    with moved as (
      update user_streams set position = position + 1 where user_id = any (v_people) returning user_id, position),
    added as (
      insert into stream_events (user_id, position, kind, subject_ids, facts, organization_id, at)
      select user_id, position, 'history.trimmed', '{}',
        jsonb_build_object('before', to_char(v_job.before at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
        v_job.organization_id, clock_timestamp()
      from moved)
    select array_agg(user_id), array_agg(position - 1), array_agg(position) into users, afters, throughs from moved;
    perform count_job(p_job, 'people', cardinality(v_people));
    done := cardinality(v_people) < 500;
  end if;
  update jobs
  set stage = v_job.stage, cursor_at = v_job.cursor_at, cursor_id = v_job.cursor_id, moved_at = clock_timestamp(),
    state = case when retention_step.done then 'done' else 'running' end::job_state,
    finished_at = case when retention_step.done then clock_timestamp() end
  where id = p_job;
end $$;
