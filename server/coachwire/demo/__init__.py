"""The people of `coachwire dev`: two small gyms in the middle of a conversation, about workouts and beside them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from coachwire.blobs import Blobs
from coachwire.connect import connection
from coachwire.demo.picture import add_picture
from coachwire.demo.values import add_values
from coachwire.seed.gyms import Gym, Person, Workout, write_gym
from coachwire.seed.talk import Talk, Tx, database_time, make_partitions, uuid7

# gym: (email before the @, first name, last name, role); a person may be in both.
GYMS = {
    "Iron Harbor": (
        ("owner", "Dana", "Levi", "owner"),
        ("coach", "Noa", "Mizrahi", "coach"),
        ("coach2", "Alex", "Petrov", "coach"),
        ("member", "יעל", "כהן", "member"),
        ("member2", "Tom", "Baker", "member"),
        ("member3", "Ирина", "Соколова", "member"),
        ("both", "Sam", "Rivera", "member"),
    ),
    "Studio North": (
        ("both", "Sam", "Rivera", "owner"),
        ("north.coach", "Maya", "Friedman", "coach"),
        ("north.member", "Daniel", "Katz", "member"),
    ),
}
DOMAIN = "demo.test"
PICTURE = "Вот график за осень"  # the words that come with a picture
# minutes ago, gym, from, to, words; None for words: everything from `to` is read by `from`
SCRIPT: tuple[tuple[int, str, str, str, str | None], ...] = (
    (2880, "Iron Harbor", "coach", "member", "היי יעל! איך הרגשת אחרי האימון של אתמול?"),
    (2871, "Iron Harbor", "member", "coach", None),
    (2870, "Iron Harbor", "member", "coach", "קשה אבל טוב 😅 הסקוואט היה 5×5 על 60 kg"),
    (2869, "Iron Harbor", "member", "coach", "הברך קצת מציקה, לנוח היום?"),
    (2864, "Iron Harbor", "coach", "member", None),
    (2863, "Iron Harbor", "coach", "member", "כן, יום מנוחה. מחר נעשה deload ב-70% 💪"),
    (2860, "Iron Harbor", "member", "coach", None),
    (1620, "Iron Harbor", "coach2", "member3", "Ирина, отличный присед сегодня! В четверг попробуем 80 кг."),
    (1610, "Iron Harbor", "member3", "coach2", None),
    (1609, "Iron Harbor", "member3", "coach2", "Спасибо! Фото пришлю вечером 📷"),
    (1608, "Iron Harbor", "coach2", "member3", None),
    (1607, "Iron Harbor", "member3", "coach2", PICTURE),
    (1500, "Studio North", "north.coach", "both", "Sam, the new rowers arrive on Monday. Where do they go?"),
    (1495, "Studio North", "both", "north.coach", None),
    (1494, "Studio North", "both", "north.coach", "By the window. I'll be there at nine with coffee ☕"),
    (1490, "Studio North", "north.coach", "both", None),
    (1380, "Iron Harbor", "owner", "coach", "Noa, can you take the 18:00 group on Thursday?"),
    (1371, "Iron Harbor", "coach", "owner", None),
    (1370, "Iron Harbor", "coach", "owner", "Sure. Alex covers my morning then."),
    (1365, "Iron Harbor", "owner", "coach", None),
    (95, "Iron Harbor", "member2", "coach", "Deadlift PR today: 140 kg!! 🎉"),
    (90, "Iron Harbor", "coach", "member2", None),
    (89, "Iron Harbor", "coach", "member2", "YES Tom! Send me the video, I want to see that lockout."),
    (80, "Iron Harbor", "member2", "coach", None),
    (
        64,
        "Studio North",
        "north.member",
        "north.coach",
        "Can I swap Friday's run for the bike? Calf is tight.",
    ),
    (41, "Iron Harbor", "both", "coach2", "Alex, same time tomorrow?"),
    (22, "Iron Harbor", "member", "coach", "בוקר טוב! הברך הרבה יותר טובה"),
    (21, "Iron Harbor", "member", "coach", "אפשר להזיז את האימון ל-19:30?"),
)
# minutes ago, from, words: under Tom's first workout in Iron Harbor, all of it read
THREAD = (
    (19, "member2", "Squats felt heavy today, RPE 9 on the last set"),
    (18, "coach", "Then 5 % less next week, and a minute more between the sets."),
    (17, "member2", "Deal 🤝"),
)
THREAD_READ = 16  # minutes ago
# from, words, the place of what it answers: on the first exercise of that workout
COMMENTS: tuple[tuple[str, str, int | None], ...] = (
    ("coach", "Knees over the toes, brace before you go down.", None),
    ("member2", "How deep?", 0),
    ("coach", "Hip crease below the knee. Send a video if you are not sure.", 1),
    ("owner", "The new rack has safeties at 60 cm, use them.", None),
    ("member", "מותר עם נעלי ריצה?", None),
    ("coach", "עדיף סוליה שטוחה 👟", 4),
)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    email: str
    name: str
    role: str
    organization: str  # its name; who is in two of them is listed twice


async def demo(dsn: str, blobs: Blobs | None = None) -> list[DemoPerson]:
    """Makes the demo's gyms if they are not there, and lists who one can be. With `blobs` there is a picture too."""
    async with connection(dsn) as tx, tx.transaction():
        await tx.execute("select pg_advisory_xact_lock(hashtextextended('coachwire.demo', 0))")
        if not await tx.fetchval("select exists (select from users where email = $1)", _email("coach")):
            await _make(tx, blobs)
    return [
        DemoPerson(_email(name), f"{first} {last}", role, gym)
        for gym, people in GYMS.items()
        for name, first, last, role in people
    ]


async def _make(tx: Tx, blobs: Blobs | None) -> None:
    users: dict[str, UUID] = {}
    gyms = {}
    for name, people in GYMS.items():
        known = frozenset(users.values())
        gym = Gym(
            uuid4(),
            name,
            f"demo-{name.lower().replace(' ', '-')}",
            [
                Person(users.setdefault(mail, uuid4()), uuid4(), _email(mail), first, last, role)
                for mail, first, last, role in people
            ],
        )
        await write_gym(tx, gym, known=known)
        gyms[name] = gym
    now = await database_time(tx)
    await make_partitions(tx, now - timedelta(minutes=SCRIPT[0][0]), now)
    talk = Talk(heads=dict.fromkeys(users.values(), 0))
    unread: defaultdict[tuple[str, str, str], list[UUID]] = defaultdict(list)
    for place, (minutes, name, one, other, words) in enumerate(SCRIPT):
        organization_id = gyms[name].organization_id
        parties = {person.email: person.party for person in gyms[name].people}
        at = now - timedelta(minutes=minutes)
        me, you = parties[_email(one)], parties[_email(other)]
        if words is None:
            talk.read(organization_id, me, you, unread.pop((name, other, one)), at)
        else:
            said = talk.say(organization_id, me, you, words, at, read_at=_read_at(place, now))
            unread[name, one, other].append(said)
            if words == PICTURE:
                pictured = said
    harbor = gyms["Iron Harbor"]
    mark = _talk_about(talk, harbor, harbor.workouts[0], now)
    await talk.finish(tx)
    await tx.copy_records_to_table("thread_marks", records=[mark])
    await _comment(tx, harbor, harbor.workouts[0], now)
    await add_values(tx, gyms, DOMAIN, now)
    if blobs is not None:
        await add_picture(tx, blobs, pictured, now - timedelta(minutes=1607))


def _talk_about(talk: Talk, gym: Gym, workout: Workout, now: datetime) -> tuple[UUID, UUID, datetime, UUID]:
    """The thread: between its member and the first coach. Answers how far the coach has seen it: a `thread_marks`."""
    people = {person.email: person for person in gym.people}
    member, coach = people[_email("member2")], people[_email("coach")]
    assignment_id = next(one.assignment_id for one in workout.assignments if one.member == member)
    read_at = now - timedelta(minutes=THREAD_READ)
    to_coach, to_member = list[UUID](), list[UUID]()
    for minutes, name, words in THREAD:
        sender, recipient, ids = (coach, member, to_member) if name == "coach" else (member, coach, to_coach)
        at = now - timedelta(minutes=minutes)
        said = talk.say(
            gym.organization_id,
            sender.party,
            recipient.party,
            words,
            at,
            read_at=read_at,
            assignment_id=assignment_id,
        )
        ids.append(said)
    talk.read(gym.organization_id, coach.party, member.party, to_coach, read_at)
    talk.read(gym.organization_id, member.party, coach.party, to_member, read_at)
    return coach.user_id, assignment_id, at, said


async def _comment(tx: Tx, gym: Gym, workout: Workout, now: datetime) -> None:
    """What is said on the exercise, a reply below what it answers."""
    people = {person.email: person.user_id for person in gym.people}
    ids = [uuid7(now - timedelta(minutes=200 - place)) for place in range(len(COMMENTS))]
    for place, (name, words, answered) in enumerate(COMMENTS):
        at = now - timedelta(minutes=200 - place)
        await tx.execute(
            "insert into exercise_comments"
            " (id, workout_movement_id, author_id, body, parent_comment_id, created_at, updated_at)"
            " values ($1, $2, $3, $4, $5, $6, $6)",
            ids[place],
            workout.movement_ids[0],
            people[_email(name)],
            words,
            None if answered is None else ids[answered],
            at,
        )


def _read_at(place: int, now: datetime) -> datetime | None:
    """When the message of this line was read, if it was."""
    _, gym, sender, recipient, _ = SCRIPT[place]
    for minutes, *line in SCRIPT[place + 1 :]:
        if line == [gym, recipient, sender, None]:
            return now - timedelta(minutes=minutes)
    return None


def _email(name: str) -> str:
    return f"{name}@{DOMAIN}"
