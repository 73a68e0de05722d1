"""Does the platform's table of comments have an index for its reference to itself? The table is not ours to change."""

from typing import Any

from coachwire.doctor.check import Finding, ok, warning

FEW = 5_000  # comments: below that no exercise has so many that it would be felt

Connection = Any  # of asyncpg


async def check_replies(tx: Connection) -> Finding:
    """With each comment that is deleted PostgreSQL looks for its replies: without an index, through the whole table.
    4,000 comments of 24,000 took 2.8 s so, and 0.02 s with one."""
    indexed = await tx.fetchval(
        "select exists (select from pg_index i"
        " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
        " where i.indrelid = 'exercise_comments'::regclass and a.attname = 'parent_comment_id' and i.indisvalid"
        " and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(parent_comment_id IS NOT NULL)'))"
    )
    if indexed:
        return ok("replies", "parent_comment_id has an index")
    comments = await tx.fetchval(
        "select greatest(reltuples, 0)::int from pg_class where oid = 'exercise_comments'::regclass"
    )
    if comments < FEW:
        return ok("replies", f"parent_comment_id has no index, which about {comments} comments do without")
    return warning(
        "replies",
        f"parent_comment_id has no index: when an exercise is deleted, about {comments} comments are read again for"
        " each one on it",
        "CREATE INDEX CONCURRENTLY exercise_comments_parent_comment_id_idx ON exercise_comments (parent_comment_id);",
    )
