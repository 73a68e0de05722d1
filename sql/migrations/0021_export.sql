-- Export: a person's own data as a ZIP in the blob store, for a day.

-- Begins one, or finds the one that is under way or was done within ten minutes: each holds all that there is, and lies in the
-- store for a day. Null: no such person (any more).
create function begin_export(p_user uuid) returns uuid
language plpgsql volatile as $$
declare
  v_job uuid;
begin
  perform from living_users where id = p_user;
  if not found then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('coachwire.export.' || p_user, 0));
  select id into v_job from jobs where kind = 'export' and user_id = p_user
    and (state = 'running' or state = 'done' and finished_at > clock_timestamp() - interval '10 minutes')
  order by created_at desc limit 1;
  if v_job is null then
    insert into jobs (kind, user_id, actor_id, stage) values ('export', p_user, p_user, 'waiting') returning id into v_job;
    perform audit_deed(m.organization_id, p_user, 'member.exported', p_user, m.id)
    from memberships m
    where m.user_id = p_user and m.status = 'active' and m.deleted_at is null;
  end if;
  return v_job;
end $$;


-- Takes an export for a minute; `keep_export` takes it for another. Null: somebody else builds it, or it is done; or its person
-- was erased meanwhile, or nobody could build it for a day, and then it has failed.
create function take_export(p_job uuid) returns uuid
language plpgsql volatile as $$
declare
  v_user uuid;
begin
  update jobs j set state = 'failed', finished_at = clock_timestamp(),
    reason = case when j.created_at < clock_timestamp() - interval '1 day' then 'given up' else 'erased' end
  where j.id = p_job and j.kind = 'export' and j.state = 'running'
    and (j.created_at < clock_timestamp() - interval '1 day' or not exists (select from living_users u where u.id = j.user_id));
  update jobs set stage = 'building', moved_at = clock_timestamp(), counts = '{}'
  where id = p_job and kind = 'export' and state = 'running'
    and (stage = 'waiting' or moved_at < clock_timestamp() - interval '1 minute')
  returning user_id into v_user;
  return v_user;
end $$;


-- Whoever builds it is still at it, and its person still there; `p_counts`: what is in it so far. False: stop.
create function keep_export(p_job uuid, p_counts jsonb) returns boolean
language plpgsql volatile as $$
begin
  update jobs j set moved_at = clock_timestamp(), counts = p_counts
  where j.id = p_job and j.state = 'running' and exists (select from living_users u where u.id = j.user_id);
  return found;
end $$;


-- It lies in the store under this key, for a day. False: its person was erased meanwhile; then it goes at once. Two may have
-- built it, when the first one's way to the store took longer than a minute: both put the same, and the last one counts.
create function finish_export(p_job uuid, p_key text, p_counts jsonb) returns boolean
language plpgsql volatile as $$
declare
  v_kept boolean;
begin
  update jobs j set state = 'done', stage = 'done', counts = p_counts, finished_at = clock_timestamp()
  where j.id = p_job and j.state in ('running', 'done') and exists (select from living_users u where u.id = j.user_id for key share);
  v_kept := found;
  insert into blob_garbage (key, due_at)
  values (p_key, case when v_kept then clock_timestamp() + interval '1 day' else clock_timestamp() end)
  on conflict (key) do update set due_at = excluded.due_at;
  return v_kept;
end $$;
