-- Ends a person's ($1) grants whose time has passed, and tells it: see end_metric_grants, migration 0025. Always one row.
select e.busy, e.ended, e.topics, e.topic_afters, e.topic_throughs from end_metric_grants($1::uuid) e
