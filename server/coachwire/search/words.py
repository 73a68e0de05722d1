"""The words of a text, folded so that one word written in several ways is one: what is indexed, and what is looked for.

Compatibility forms, case, ё, vowel points, accents that stand alone and invisible marks make no difference, nor do
apostrophes, geresh and gershayim inside a word. Hebrew words are indexed without their leading particles as well."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 40  # characters of a word that count

WORD: Final = re.compile(r"[^\W_]+")
# Between letters: an apostrophe or geresh; in Hebrew also what stands for gershayim. The pattern begins with the mark
# itself, so that a text without any is passed over quickly.
INSIDE: Final = re.compile(
    r"""['’‘ʼ`׳\"”“„״](?:"""
    r"""(?<=[^\W_]['’‘ʼ`׳])(?=[^\W_])|(?<=[א-ת][\"”“„״])(?=[א-ת])|(?<=[א-ת]['’‘׳])['’‘׳](?=[א-ת]))"""
)
UNSEEN: Final = frozenset({"Mn", "Me", "Cf"})
ASCII: Final = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))
ALPHABETS: Final = 0x3000  # characters below are folded once and remembered; ideographs are too many

# ו and · ש, כש, לכש, מש that, when · ב כ ל מ in, as, to, from · ה the: each may be there, in this order.
PARTICLES: Final = frozenset(
    conjunction + relative + preposition + article
    for conjunction in ("", "ו")
    for relative in ("", "ש", "כש", "לכש", "מש")
    for preposition in ("", "ב", "כ", "ל", "מ")
    for article in ("", "ה")
) - {""}
MOST_PARTICLES: Final = max(map(len, PARTICLES))
PARTICLE_LETTERS: Final = frozenset("".join(PARTICLES))
LEAST_LEFT: Final = 2  # letters after them


def words_of(text: str) -> list[str]:
    """In their order, each once."""
    if text.isascii():
        words = INSIDE.sub("", text).translate(ASCII).split()
    else:
        words = WORD.findall(INSIDE.sub("", _folded(text)))
    return list(dict.fromkeys([word[:LONGEST] for word in words]))


def indexed_words(text: str) -> list[str]:
    """What a text is found by: any beginning of any of these."""
    words = words_of(text)
    if text.isascii():
        return words
    found: dict[str, None] = {}
    for word in words:
        found[word] = None
        if word[0] in PARTICLE_LETTERS:
            found.update(dict.fromkeys(_bare(word)))
    return list(found)


class _Letters(dict[int, str | None]):
    """What `str.translate` makes of a character that is folded: nothing of one that is not seen."""

    def __missing__(self, code: int) -> str | None:
        letter = None if unicodedata.category(chr(code)) in UNSEEN else chr(code)
        if code < ALPHABETS:
            self[code] = letter
        return letter


LETTERS: Final = _Letters({code: chr(code) for code in range(128)} | {ord("ё"): "е"})


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(LETTERS)


def _bare(word: str) -> Iterable[str]:
    """What is left without the particles that the word may begin with."""
    most = min(MOST_PARTICLES, len(word) - LEAST_LEFT)
    for count in range(1, most + 1):
        if word[count - 1] not in PARTICLE_LETTERS:
            return
        if word[:count] in PARTICLES:
            yield word[count:]
