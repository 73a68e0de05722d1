"""The kinds of topics, and how a user stands to one. Rights are read from the tables each time."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple
from uuid import UUID

from coachwire.database import Query, Tx


class Standing(NamedTuple):
    """How a user stands to what a topic is about."""

    organization_id: UUID | None  # null: there is no such thing
    may: bool  # by membership, role and assignment, were it not gone
    gone: bool  # not there, deleted, or as good as that for this user

    @property
    def ended(self) -> Literal["forbidden", "gone"] | None:
        """Why who had the topic open has it no longer. None: they still may."""
        return "gone" if self.gone else None if self.may else "forbidden"


# By what stands before the colon: a statement that takes users and ids, parallel, and has a row for each, in order.
STANDINGS: Final = {
    "thread": Query("topics/thread", Standing),
    "exercise": Query("topics/exercise", Standing),
    "metrics": Query("topics/metrics", Standing),
}


WATCH: Final = Query("audit/watch", tuple)


async def standings(tx: Tx, asked: Sequence[tuple[str, str]]) -> list[Standing]:
    """How these users stand to these topics (user, topic), in order."""
    kinds: dict[str, list[int]] = defaultdict(list)
    for place, (_, topic) in enumerate(asked):
        kinds[topic.partition(":")[0]].append(place)
    found: dict[int, Standing] = {}
    for kind, places in kinds.items():
        users = [asked[place][0] for place in places]
        subjects = [asked[place][1].partition(":")[2] for place in places]
        rows = await STANDINGS[kind].rows(tx, users, subjects)
        found.update(zip(places, rows, strict=True))
    return [found[place] for place in range(len(asked))]


async def note_watching(tx: Tx, opened: Sequence[tuple[str, str]]) -> None:
    """Write down which of these (user, topic), about to be opened, are looks at somebody else's values."""
    looks = [(user, topic.partition(":")[2]) for user, topic in opened if topic.startswith("metrics:")]
    if looks:
        await WATCH.run(tx, *zip(*looks, strict=True))
