-- What is to be told next, in the order in which it was put down: at most $1 rows, and no more when those before name $2
-- subjects. No row: nothing. What is set aside comes again when its time has come.
select id from (
  select id, sum(subjects) over (order by id) - subjects as before
  from (
    select id, cardinality(subject_ids) as subjects
    from stream_pending
    where not_before is null or not_before < now()
    order by id
    limit $1) p) p
where before < $2
order by id
