-- Messages by their words. The index is filled beside the server's work, never in a send: triggers put down which messages
-- came, changed or went, and a worker reads them as they are then. The row of the queue is written by the transaction that
-- changed the message, and goes in the one that indexed it: nothing is skipped, however late somebody commits.

-- One row a message that has words; `search_terms.py` says what a document holds. Nothing refers to the messages: a row may be
-- behind, so whoever searches compares it with the message as it stands.
create table message_search (
  message_id uuid primary key,
  organization_id uuid not null,
  created_at timestamptz not null,
  content_hash bytea not null,  -- SHA-256 of the content that the document was made of
  document tsvector not null
) with (autovacuum_vacuum_scale_factor = 0.05);
-- A short pending list: a search reads it from end to end.
create index message_search_document_idx on message_search using gin (document) with (fastupdate = on, gin_pending_list_limit = 256);
create index message_search_recent_idx on message_search (organization_id, created_at, message_id);

-- What is to be indexed anew, or taken out. In no order, and doubled rows do no harm.
create table search_pending (
  id bigint generated always as identity primary key,
  message_ids uuid[] not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- How far the messages have come that were there before: newest ids first. No row: all are done.
create table search_backlog (
  single boolean primary key default true check (single),
  before uuid not null default 'ffffffff-ffff-ffff-ffff-ffffffffffff'
);
insert into search_backlog (single) select true where exists (select from messages);


-- Messages that are new or gone, whoever wrote or deleted them; 500 a row. A send waits for this: so no more than it takes.
create function pend_search() returns trigger
language plpgsql volatile security definer
as $$
declare
  v_ids uuid[] := array(select id from changed);
begin
  for i in 1 .. cardinality(v_ids) by 500 loop
    insert into search_pending (message_ids) values (v_ids[i : i + 499]);
  end loop;
  return null;
end $$;

create trigger coachwire_search_inserted after insert on messages
  referencing new table as changed for each statement execute function pend_search();
create trigger coachwire_search_deleted after delete on messages
  referencing old table as changed for each statement execute function pend_search();

-- Edits, deletions and erasures; receipts are none.
create function pend_search_change() returns trigger
language plpgsql volatile security definer
as $$
begin
  insert into search_pending (message_ids) values (array[new.id]);
  return null;
end $$;

create trigger coachwire_search_updated after update of content, deleted_at on messages
  for each row
  when (new.content is distinct from old.content or new.deleted_at is distinct from old.deleted_at)
  execute function pend_search_change();

do $$
declare
  name regprocedure;
begin
  for name in
    select oid from pg_proc where pronamespace = current_schema()::regnamespace and prosecdef and proname like 'pend\_search%'
  loop
    execute format('alter function %s set search_path = %I, pg_temp', name, current_schema());
  end loop;
end $$;


-- Of an organization's newest messages before the cursor (null: of all), p_far of them, those for a query that this person may
-- see, newest first, p_limit at most. A row of the index counts when the message stands as it was indexed: not deleted, with the
-- very same content. What was edited, deleted or erased a moment ago is not found by its former words, whatever the worker does.
create function search_back(
  p_viewer uuid, p_staff boolean, p_organization uuid, p_query tsquery, p_at timestamptz, p_id uuid, p_limit int, p_far int)
returns table (id uuid, created_at timestamptz)
language plpgsql stable rows 50
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
begin
  return query
  select s.message_id, s.created_at
  from (
    select s.message_id, s.created_at, s.content_hash, s.document @@ p_query as matches
    from message_search s
    where s.organization_id = p_organization and (s.created_at, s.message_id) < (coalesce(p_at, 'infinity'), p_id)
    order by s.created_at desc, s.message_id desc
    limit p_far) s
  join messages m on m.id = s.message_id and m.deleted_at is null and sha256(convert_to(m.content, 'UTF8')) = s.content_hash
  where s.matches and m.organization_id = p_organization
    and may_see(p_viewer, p_staff, m.sender_id, m.recipient_id, m.workout_assignment_id)
  order by s.created_at desc, s.message_id desc
  limit p_limit;
end $$;


-- The messages for a query (see search_terms.py) that this person may see, newest first, older than the cursor (null: from the
-- newest), p_limit at most. p_staff: whether they are staff there now. With `found` false: what was looked through when the work's
-- bound was reached, at most one row, the last: older ones may be found from there.
--
-- The newest messages come first (p_near of them): a very common word fills its page from these. Else the index is asked. Few
-- matches (p_few): all of them, sorted. More: then going back meets enough of them before long, at most p_far messages. So no
-- search reads and sorts all messages in which a common word stands.
create function search_messages(
  p_viewer uuid, p_staff boolean, p_organization uuid, p_query text, p_at timestamptz, p_id uuid, p_limit int,
  p_near int, p_few int, p_far int)
returns table (id uuid, created_at timestamptz, found boolean)
language plpgsql stable rows 50
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
#variable_conflict use_column
declare
  v_query tsquery := p_query::tsquery;
  v_ids uuid[];
  v_times timestamptz[];
  v_hashes bytea[];
  v_count int;
begin
  select array_agg(b.id), array_agg(b.created_at), count(*) into v_ids, v_times, v_count
  from search_back(p_viewer, p_staff, p_organization, v_query, p_at, p_id, p_limit, p_near) b;
  if v_count = p_limit then
    return query select b.id, b.created_at, true from unnest(v_ids, v_times) b (id, created_at);
    return;
  end if;

  select array_agg(s.message_id), array_agg(s.created_at), array_agg(s.content_hash), count(*)
  into v_ids, v_times, v_hashes, v_count
  from (
    select s.message_id, s.created_at, s.content_hash
    from message_search s
    where s.document @@ v_query
    limit p_few + 1) s;
  if v_count <= p_few then
    return query
    select s.message_id, s.created_at, true
    from (
      select s.message_id, s.created_at, s.content_hash
      from unnest(v_ids, v_times, v_hashes) s (message_id, created_at, content_hash)
      where p_at is null or (s.created_at, s.message_id) < (p_at, p_id)
      order by s.created_at desc, s.message_id desc) s
    join messages m on m.id = s.message_id and m.deleted_at is null and sha256(convert_to(m.content, 'UTF8')) = s.content_hash
    where m.organization_id = p_organization
      and may_see(p_viewer, p_staff, m.sender_id, m.recipient_id, m.workout_assignment_id)
    order by s.created_at desc, s.message_id desc
    limit p_limit;
    return;
  end if;

  return query
  select b.id, b.created_at, true
  from search_back(p_viewer, p_staff, p_organization, v_query, p_at, p_id, p_limit, p_far) b;
  get diagnostics v_count = row_count;
  if v_count < p_limit then
    return query
    select s.message_id, s.created_at, false
    from message_search s
    where s.organization_id = p_organization and (s.created_at, s.message_id) < (coalesce(p_at, 'infinity'), p_id)
    order by s.created_at desc, s.message_id desc
    offset p_far - 1
    limit 1;
  end if;
end $$;
