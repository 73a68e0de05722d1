-- Whether this transaction may index: one at a time, so that what is read later is written later. Always one row.
select pg_try_advisory_xact_lock(hashtextextended('coachwire.search', 0))
