"""The words of a text, folded so that one word written in several ways is one: what is indexed, and what is looked for.

Compatibility forms, case, ё, vowel points, accents that stand alone and invisible marks make no difference, nor do
apostrophes, geresh and gershayim inside a word. Hebrew words are indexed without their leading particles as well."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 40  # characters of a word that count

WORD: Final = re.compile(r"[^\W_]+")
# Between letters: an apostrophe or geresh; in Hebrew also what stands for gershayim.
INSIDE: Final = re.compile(r"(?<=[^\W_])['’‘ʼ`׳](?=[^\W_])|(?<=[א-ת])(?:[\"”“„״]|['’‘׳]{2})(?=[א-ת])")
UNSEEN: Final = frozenset({"Mn", "Me", "Cf"})

# ו and · ש, כש, לכש, מש that, when · ב כ ל מ in, as, to, from · ה the: each may be there, in this order.
PARTICLES: Final = frozenset(
    conjunction + relative + preposition + article
    for conjunction in ("", "ו")
    for relative in ("", "ש", "כש", "לכש", "מש")
    for preposition in ("", "ב", "כ", "ל", "מ")
    for article in ("", "ה")
) - {""}
MOST_PARTICLES: Final = max(map(len, PARTICLES))
LEAST_LEFT: Final = 2  # letters after them


def words_of(text: str) -> list[str]:
    """In their order, each once."""
    return list(dict.fromkeys(word[:LONGEST] for word in WORD.findall(INSIDE.sub("", _folded(text)))))


def indexed_words(text: str) -> list[str]:
    """What a text is found by: any beginning of any of these."""
    found: dict[str, None] = {}
    for word in words_of(text):
        found[word] = None
        found.update(dict.fromkeys(_bare(word)))
    return list(found)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(
        letter for letter in text if letter.isascii() or unicodedata.category(letter) not in UNSEEN
    ).replace("ё", "е")


def _bare(word: str) -> Iterable[str]:
    """What is left without the particles that the word may begin with."""
    most = min(MOST_PARTICLES, len(word) - LEAST_LEFT)
    return [word[count:] for count in range(1, most + 1) if word[:count] in PARTICLES]
