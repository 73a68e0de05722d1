-- How much the search index does not know yet: a row a statement that changed messages, or 500 of them. Always one row.
select count(*) from search_pending
