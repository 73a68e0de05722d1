-- Pages of topics' streams: for each (topic, after, through) the rows in between, at most $4 each, in order. What they are
-- about is read apart, by kind.
select e.topic, e.position, e.kind::text, e.organization_id, e.subject_ids, e.at
from unnest($1::text[], $2::bigint[], $3::bigint[]) with ordinality t (topic, after, through, ord)
cross join lateral (
  select e.* from topic_events e
  where e.topic = t.topic and e.position > t.after and e.position <= t.through
  order by e.position
  limit $4) e
order by t.ord, e.position
