"""Every statement of the server, against the schema as the migrations leave it."""

import coachwire.app  # noqa: F401 - imports whatever has statements
from coachwire.database import QUERIES
from coachwire.resources import folder

from .platform import Tables


def test_every_file_belongs_to_a_statement() -> None:
    root = folder("sql") / "queries"
    files = {path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.sql")}
    assert files == QUERIES.keys()


async def test_every_statement_fits_the_schema_and_the_row_it_makes(database: Tables) -> None:
    for name, query in QUERIES.items():
        columns = len((await database.prepare(query.sql)).get_attributes())
        fields = getattr(query.row, "_fields", None)
        if fields is not None:
            assert columns == len(fields), name
        elif query.row is not tuple:
            query.row(*[None] * columns)


async def test_every_statement_says_what_it_is_for() -> None:
    for name, query in QUERIES.items():
        assert query.sql.startswith("-- "), name
