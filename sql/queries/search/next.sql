-- What is to be indexed next: rows of the queue, at most $1, and no more when those before name $2 messages. No row: nothing.
select id, message_ids
from (
  select id, message_ids, sum(cardinality(message_ids)) over (order by id) - cardinality(message_ids) as before
  from (select id, message_ids from search_pending order by id limit $1) p) p
where before < $2
order by id
