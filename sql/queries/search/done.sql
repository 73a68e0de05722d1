-- Rows of the queue go, in the transaction that indexed what they name.
delete from search_pending where id = any ($1::bigint[])
