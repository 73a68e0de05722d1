-- Who ($1: at most so many grants) has grants whose end is to be told, and in how many seconds the next one ends. Always one row.
select d.users, d.next_in from due_metric_grants($1::int) d
