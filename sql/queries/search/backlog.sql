-- The next messages of those that were there before the index, $1 at most, by falling ids. Only for whoever may index. No
-- row: all are done.
select m.id
from search_backlog b
join lateral (select m.id from messages m where m.id < b.before order by m.id desc limit $1) m on true
order by m.id desc
