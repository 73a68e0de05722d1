"""A gym whose coaches talk much, written set-wise: for what long histories, and a quiet pair of busy people, cost."""

from typing import Any

COACHES = 4
MEMBERS = 1_200
NEIGHBOURS = 8_800  # members of other gyms: an organization is a part of the table, not all of it
GYMS = 40

# Foreign keys and triggers would be asked for each row, and agree.
BEGIN = "set session_replication_role = replica; set jit = off; set work_mem = '256MB'"

NEIGHBOUR_GYMS = """
with gyms as (
  insert into organizations (name, slug)
  select 'Neighbour ' || n, 'neighbour-' || gen_random_uuid() from generate_series(1, $2::int) n
  returning id),
numbered as (select id, row_number() over () as n from gyms),
people as (
  insert into users (email, first_name, last_name)
  select gen_random_uuid() || '@seed.test', 'Neighbour', n::text from generate_series(1, $1::int) n
  returning id, last_name::int as n)
insert into memberships (user_id, organization_id, role, status, joined_at)
select p.id, g.id, 'member', 'active', now() from people p join numbered g on g.n = 1 + p.n % $2
"""

# Each coach has 300 members; few pairs talk much, most a little, one in ten messages stands in a thread. The first two
# coaches exchange a message each day. Of a third of the conversations the last day is unread.
SAID = """
create temporary table said as
with staff as (
  select user_id, row_number() over (order by user_id) - 1 as n
  from memberships where organization_id = $1::uuid and role = 'coach'),
athletes as (
  select m.user_id, row_number() over (order by m.user_id) - 1 as n,
    (select a.id from workout_assignments a where a.user_id = m.user_id and a.published limit 1) as thread
  from memberships m where m.organization_id = $1 and m.role = 'member'),
drawn as (
  select i, i % $3::int as coach, floor(random() ^ 2 * $4::int / $3)::int as place, random() as side, random() as kind,
    now() - interval '14 days' + i * (interval '14 days' / ($2::int + 1)) as at
  from generate_series(1, $2) i),
pairs as (
  select d.i, d.at, d.side < 0.5 as by_coach, s.user_id as coach_id, a.user_id as member_id,
    case when d.kind < 0.1 then a.thread end as thread, d.place % 3 = 0 and d.at > now() - interval '1 day' as unread
  from drawn d
  join staff s on s.n = d.coach
  join athletes a on a.n = d.coach + $3 * d.place
  union all
  select -n, now() - n * interval '1 day', n % 2 = 0, (select user_id from staff where n = 0),
    (select user_id from staff where n = 1), null, false
  from generate_series(1, 13) n)
select gen_random_uuid() as id, case when by_coach then coach_id else member_id end as sender_id,
  case when by_coach then member_id else coach_id end as recipient_id,
  case when by_coach or i < 0 then 'coach' else 'member' end::sender_role as sent_as, thread, at as created_at,
  case when not unread then at + interval '20 seconds' end as read_at
from pairs
"""

# Every third receipt is an event of its own: readers mark several at once.
TOLD = """
create temporary table told as
select user_id, row_number() over (partition by user_id order by at, id) as position, kind, id, at
from (
  select p.user_id, 'message.created' as kind, s.id, s.created_at as at
  from said s cross join lateral (values (s.sender_id), (s.recipient_id)) p (user_id)
  union all
  select p.user_id, 'message.read', s.id, s.read_at
  from said s cross join lateral (values (s.sender_id), (s.recipient_id)) p (user_id)
  where s.read_at is not null and hashtext(s.id::text) % 3 = 0) e
"""

EVENTS = """
insert into stream_events (user_id, position, kind, subject_ids, organization_id, at)
select user_id, position, kind::event_kind, array[id], $1::uuid, at from told order by at
"""
STREAMS = """
insert into user_streams (user_id, position, last_at)
select u.id, coalesce(t.position, 0), t.at
from users u
left join (select user_id, max(position) as position, max(at) as at from told group by user_id) t on t.user_id = u.id
on conflict (user_id) do update set position = excluded.position, last_at = excluded.last_at
"""
MESSAGES = """
insert into messages (id, organization_id, sender_id, sender_role, recipient_id, workout_assignment_id, content,
  created_at, read_at)
select id, $1::uuid, sender_id, sent_as, recipient_id, thread,
  repeat('How did the last set feel? ', 1 + (hashtext(id::text) & 7)), created_at, read_at
from said order by created_at
"""
LEDGER = """
insert into message_ledger (message_id, organization_id, sender_id, low_user_id, high_user_id, workout_assignment_id,
  created_at, payload_hash, sender_position, recipient_position)
select s.id, $1::uuid, s.sender_id, least(s.sender_id, s.recipient_id), greatest(s.sender_id, s.recipient_id),
  s.thread, s.created_at, sha256(s.id::text::bytea), f.position, t.position
from said s
join told f on f.id = s.id and f.user_id = s.sender_id and f.kind = 'message.created'
join told t on t.id = s.id and t.user_id = s.recipient_id and t.kind = 'message.created'
order by s.created_at
"""
CONVERSATIONS = """
insert into conversations (organization_id, low_user_id, high_user_id, first_message_at)
select $1::uuid, least(sender_id, recipient_id), greatest(sender_id, recipient_id), min(created_at)
from said where thread is null group by 2, 3
"""


async def fill(tx: Any, organization_id: str, messages: int) -> None:
    """Talk among the people of this new organization, over two weeks, and neighbours who say nothing."""
    async with tx.transaction():
        await tx.execute(BEGIN)
        await tx.execute(NEIGHBOUR_GYMS, NEIGHBOURS, GYMS)
        for week in range(3):
            await tx.execute("select make_stream_partition(now() - $1::int * interval '7 days')", week)
        await tx.execute(SAID, organization_id, messages, COACHES, MEMBERS)
        await tx.execute("analyze said")
        await tx.execute(TOLD)
        await tx.execute("analyze told")
        await tx.execute(STREAMS)
        for statement in (MESSAGES, LEDGER, EVENTS, CONVERSATIONS):
            await tx.execute(statement, organization_id)
    await tx.execute("vacuum (analyze)")
