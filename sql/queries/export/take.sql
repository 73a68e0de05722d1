-- Takes an export to build it. Always one row: whose it is; null: not to be built by us now.
select take_export($1::uuid)
