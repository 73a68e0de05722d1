"""How messages stand in the search index: words on the shelf of their organization, and marks of who sees them.

A lexeme is a shelf and a word, so looking for a beginning of a word touches one organization's words only. Marks and
shelves are pieces of ids: they narrow the search, and two that coincide do no harm. Rights are read from the tables."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from uuid import UUID

from coachwire.search.words import indexed_words

MARK: Final = "~"  # no letter of a word
MOST: Final = 20_000  # characters that are looked at; ours are shorter, whatever others write


def document(
    organization_id: UUID, party_ids: Sequence[UUID], *, in_thread: bool, content: str
) -> str | None:
    """A message, as a `tsvector` is written. None: it has no words, and is not to be found."""
    words = indexed_words(content[:MOST])
    if not words:
        return None
    shelf, marks = _shelf_and_marks(organization_id, tuple(party_ids), in_thread)
    before = f" {shelf}"
    # Nothing in it needs quotes: letters and digits, `-`, `_`, `~`.
    return marks + before + before.join(words)


def query(organization_id: UUID, user_id: UUID, *, staff: bool, words: Sequence[str]) -> str:
    """As a `tsquery` is written: messages of this person, for staff those of threads as well, in which each of these
    words begins a word."""
    shelf = _shelf(organization_id)
    marks = [_party(shelf, user_id)] + ([_threads(shelf)] if staff else [])
    begun = [_quoted(shelf + word) + ":*" for word in words]
    return " & ".join((f"({' | '.join(map(_quoted, marks))})", *begun))


@lru_cache(maxsize=8_192)
def _shelf_and_marks(organization_id: UUID, party_ids: tuple[UUID, ...], in_thread: bool) -> tuple[str, str]:
    """Who talks, talks on: the same for all messages of a pair."""
    shelf = _shelf(organization_id)
    marks = [_party(shelf, person) for person in party_ids] + ([_threads(shelf)] if in_thread else [])
    return shelf, " ".join(marks)


def _shelf(organization_id: UUID) -> str:
    return _letters(organization_id.bytes[-3:])


def _party(shelf: str, user_id: UUID) -> str:
    return shelf + MARK + _letters(user_id.bytes[-6:])


def _threads(shelf: str) -> str:
    return shelf + MARK


def _letters(some: bytes) -> str:
    """Three bytes become four letters."""
    return urlsafe_b64encode(some).decode()


def _quoted(lexeme: str) -> str:
    """Words are of letters and digits, so there is nothing to escape."""
    return f"'{lexeme}'"
