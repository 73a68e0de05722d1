-- Begins an export, or finds the one that is under way. Always one row; null: no such person.
select begin_export($1::uuid)
