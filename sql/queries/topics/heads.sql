-- Where these topics are, a row each, in order; 0 where nothing was ever told.
select (select epoch from stream_epoch), coalesce((select s.position from topic_streams s where s.topic = t.topic), 0)
from unnest($1::text[]) with ordinality t (topic, ord)
order by t.ord
