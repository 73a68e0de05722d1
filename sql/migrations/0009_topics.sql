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
