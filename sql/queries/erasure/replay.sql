-- Begins again what the ledger knows and this database does not. Always one row: whether it began.
select replay_erasure($1::uuid, $2::uuid, $3::uuid)
