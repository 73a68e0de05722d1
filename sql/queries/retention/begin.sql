-- Begins the runs that are due ($1: hours between two of an organization). Always one row: how many.
select begin_retention($1::int)
