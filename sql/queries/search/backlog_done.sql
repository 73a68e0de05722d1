-- So far the messages have come that were there before; with null, all of them.
with finished as (
  delete from search_backlog where $1::uuid is null)
update search_backlog set before = $1 where $1 is not null
