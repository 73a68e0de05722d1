-- The author takes a comment back, or owner or admin remove it. Always one row; see delete_comment (migration 0013) for its codes.
select code, at, topic_position from delete_comment($1::uuid, $2::uuid, $3::uuid)
