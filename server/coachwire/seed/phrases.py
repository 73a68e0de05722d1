"""What people in a gym write to their coach, and back: Hebrew, English, Russian, and all in one line."""

import random

dice = random.Random()  # noqa: S311 - for small talk, never for a secret

COACH = (
    "How did the squats feel today?",
    "Deload this week: {n}% of your 1RM, no heroics.",
    "Great session! {n} kg looked light.",
    "Keep the elbows in, the rest will follow.",
    "Rest {n} minutes between sets, not {m}.",
    "I moved Thursday to {n}:30, ok?",
    "איך הרגשת אחרי האימון?",
    "כל הכבוד! {n} ק״ג זה שיא חדש 💪",
    "מחר {n}:00 בסטודיו, אל תשכח מים",
    "תשלח לי סרטון של ה-deadlift האחרון",
    "עשינו {n} חזרות, בפעם הבאה נעלה ל-{m}",
    "Молодец, {n} кг без паузы!",
    "Завтра отдых, потом присед {n}×{m}",
    "Как колено после тренировки?",
    "Не забудь разминку, минут {n}",
    "Tomorrow סקוואט {n}×5 — и не забудь пояс!",
)
MEMBER = (
    "Done, all {n} sets.",
    "Can I swap the row for pull-ups?",
    "Slept {n} hours, feeling it.",
    "My shoulder clicks at {n} kg, is that normal?",
    "Running late, be there in {n} min 🏃",
    "That last set was a fight 😅",
    "סיימתי! {n} סטים על {m} ק״ג",
    "אפשר להזיז את האימון ל-{n}:30?",
    "היה קשה אבל טוב, תודה 🙏",
    "הכתף קצת כואבת, מה עושים?",
    "Сделала {n} подходов, последний еле-еле",
    "Можно завтра в {n}:00?",
    "Спасибо! Новый рекорд — {n} кг 🎉",
    "Забыл пояс, работал с {n} кг",
    "PR היום: {n} kg, спасибо coach!",
    "👍",
)


def line(role: str) -> str:
    """Something that a person of this role might write."""
    numbers = {"n": dice.randint(2, 120), "m": dice.randint(2, 12)}
    return dice.choice(MEMBER if role == "member" else COACH).format_map(numbers)
