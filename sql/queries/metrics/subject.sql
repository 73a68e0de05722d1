-- Whose values the caller ($1) may look at through a membership ($3) of an organization ($2). No row: no such membership
-- there, or not theirs to see.
select s.user_id, s.own from metric_subject($1::uuid, $2::uuid, $3::uuid) s
