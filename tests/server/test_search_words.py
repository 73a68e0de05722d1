"""What finds what, in three languages: a text, what is looked for, and whether it is found."""

from pathlib import Path

import pytest
from aiohttp import ClientSession
from coachwire.settings import Settings

from ..gym import SECRET, Place, message_to
from .caller import Caller
from .indexed import index
from .platform import Tables

Pair = tuple[str, str, bool]

HEBREW: list[Pair] = [
    ("הגעתי לאימון בזמן", "אימון", True),  # from a word with its particle
    ("נפגשים בבית הספר", "בית", True),
    ("נפגשים בבית הספר", "ספר", True),
    ("וכשהמאמן יגיע נתחיל", "מאמן", True),
    ("אמרתי שהסקוואט היה טוב", "סקוואט", True),
    ("חזרתי מהעבודה", "עבודה", True),
    ("נתחיל לכשתגיע", "תגיע", True),
    ("מתאמנים ובערב נחים", "ערב", True),
    ("עשיתי חמש חזרות", "חזר", True),  # the beginning of a word
    ("עשיתי חמש חזרות", "חזרות חמש", True),  # in any order
    ("עשיתי חמש חזרות", "חמש ארבע", False),  # all of them
    ("עשיתי חמש חזרות", "זרות", False),  # not its end
    ("שָׁלוֹם לְכֻלָּם", "שלום", True),  # vowel points
    ("שלום לכולם", "שָׁלוֹם", True),
    ('שירתתי בצה"ל', "צהל", True),  # gershayim, as typed
    ("שירתתי בצה״ל", 'צה"ל', True),  # and as they should be
    ("קניתי ג׳ינס חדש", "ג'ינס", True),
    ("בית־ספר לריצה", "ספר", True),  # maqaf
    ("לשלום ולברכה", "שלום", True),
    ("הלכה לישון", "כה", False),  # ל does not stand after ה
    ("אכלתי תפוח", "כלתי", False),
    ("הcoach אמר 20 חזרות", "coach", True),
]
ENGLISH: list[Pair] = [
    ("Great session today", "session", True),
    ("Great session today", "SESS", True),
    ("Great session today", "today great", True),
    ("Great session today", "great yesterday", False),
    ("Great session today", "ession", False),
    ("Don't skip leg day", "don't", True),
    ("Don’t skip leg day", "don't", True),
    ("Don't skip leg day", "dont", True),
    ("3x12 at 80kg", "80kg", True),
    ("3x12 at 80kg", "80", True),
    ("3x12 at 80kg", "12", False),
    ("ping me at noa@gym.example", "noa@gym.example", True),
    ("ping me at noa@gym.example", "gym", True),
    ("follow_up tomorrow", "up", True),
    ("Café, then the gym", "café", True),
    ("Cafe\u0301, then the gym", "café", True),  # composed or not
    ("ｆｕｌｌ ｗｉｄｔｈ", "full width", True),
    ("the ﬁnal set", "final", True),  # a ligature
    ("STRASSE", "straße", True),
    ("a b c", "b", True),
    ("nothing at all", "not all", True),
    ("warm-up first", "warm-up", True),
    ("soft\u00adhyphen", "softhyphen", True),
]
RUSSIAN: list[Pair] = [
    ("Тренировка была отличная", "тренировка", True),
    ("Тренировка была отличная", "ТРЕН", True),
    ("Тренировка была отличная", "отличная тренировка", True),
    ("Тренировка была отличная", "тренировка плохая", False),
    ("Тренировка была отличная", "ренировка", False),
    ("Ещё один подход", "еще", True),
    ("Еще один подход", "ещё", True),
    ("ЁЛКА в зале", "елка", True),
    ("Е\u0308лка в зале", "ёлка", True),
    ("мой тренер", "мой", True),
    ("мои тренер", "мой", False),  # й is a letter of its own
    ("за\u0301мок на шкафчике", "замок", True),  # a stress mark
    ("по-русски, пожалуйста", "русски", True),
    ("приседания: 5х5", "5х5", True),
    ("об'єкт і м’ята", "мята", True),
    ("кто-то пришёл", "пришел", True),
    ("Жду в 18:30", "18 30", True),
    ("«спасибо» тренеру", "спасибо", True),
    ("спасибо", "спасибо большое", False),
    ("упражнение", "упражнения", False),  # no forms of words
    ("болит спина", "спин", True),
]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database_url, jwt_secret=SECRET, rate_limit=None, home=tmp_path)


@pytest.mark.parametrize("pairs", [HEBREW, ENGLISH, RUSSIAN], ids=["hebrew", "english", "russian"])
async def test_a_word_is_found_however_it_is_written(
    pairs: list[Pair], gym: Place, http: ClientSession, database: Tables, database_url: str
) -> None:
    coach, member = Caller(http, gym.coach), Caller(http, gym.member)
    texts = dict.fromkeys(text for text, _, _ in pairs)
    ids = {text: (await coach.post("messages", message_to(gym.member, text))).data["id"] for text in texts}
    await index(database_url, database)
    wrong = []
    for text, looked_for, expected in pairs:
        found = (await member.get("messages/search", q=looked_for)).data["items"]
        if (ids[text] in [one["id"] for one in found]) is not expected:
            wrong.append((text, looked_for, expected))
    assert wrong == []
