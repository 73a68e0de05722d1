-- Whether anything is to be indexed: all that an idle instance asks. Always one row.
select exists (select from search_pending order by id limit 1)
