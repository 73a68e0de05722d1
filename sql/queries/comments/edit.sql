-- The author says it otherwise. Always one row; see edit_comment (migration 0013) for its codes.
select code, at, topic_position from edit_comment($1::uuid, $2::uuid, $3::uuid, $4::text)
