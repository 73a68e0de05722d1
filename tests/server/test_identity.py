"""Tokens of an issuer that publishes its keys: who is let in, and what happens when keys change or cannot be had."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.identity.claims import Claims, TokenExpired
from coachwire.identity.jwks import KeysUnavailable, read_keys
from coachwire.identity.verified import KEPT, VerifiedTokens
from coachwire.keys import READINESS
from coachwire.settings import Settings, SettingsError
from coachwire.socket.drain import drain
from coachwire.socket.heartbeat import token_due
from coachwire_protocol.times import parse_time

from ..gym import Place
from ..issuer import ISSUER, Issuer, SigningKey, signing_key
from ..test_cli import coachwire, refusal
from .conftest import OpenPhone
from .platform import Tables

APP = "https://app.gym.test"


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as issuer:
        yield issuer


@pytest.fixture
def settings(database_url: str, issuer: Issuer) -> Settings:
    return Settings(
        database_url=database_url,
        jwks_url=issuer.url,
        jwt_issuer=ISSUER,
        allowed_origins=frozenset({APP}),
    )


@pytest.fixture
async def gym(gym: Place, database: Tables) -> Place:
    """Whose people the issuer knows as user_coach, user_member and so on."""
    for name, person in gym.people.items():
        await database.execute("update users set clerk_id = $2 where id = $1", person.user_id, f"user_{name}")
    return gym


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a minute had passed since the last unknown key id."""
    monkeypatch.setattr("coachwire.identity.jwks.PAUSE", 0.0)


@pytest.fixture
def quick_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachwire.socket.heartbeat.TURN", 0.02)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature was checked."""
    checked: list[str] = []
    decode = jwt.decode

    def counting(token: str, *arguments: Any, **options: Any) -> Any:
        checked.append(token)
        return decode(token, *arguments, **options)

    monkeypatch.setattr("jwt.decode", counting)
    return checked


async def code_of(phone: OpenPhone, token: str) -> int | None:
    """Why a socket with this token is closed."""
    one = await phone(token, connect=False)
    await one.open()
    await one.say({"type": "hello", "token": token, "device": one.device})
    return await one.close_code()


async def status_of(http: ClientSession, token: str) -> tuple[int, str | None]:
    """Status and code of a REST request with this token."""
    async with http.get("/v1/sync", headers={"Authorization": f"Bearer {token}"}) as response:
        return response.status, (await response.json()).get("code")


OK = (200, None)
UNAUTHENTICATED = (401, "unauthenticated")
UNAVAILABLE = (503, "unavailable")


# Who is let in


@pytest.mark.parametrize("key", [signing_key("ins_1"), signing_key("ins_ed", "EdDSA")])
async def test_a_token_opens_both_doors_for_whom_the_issuer_means(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession, key: SigningKey
) -> None:
    issuer.publish(signing_key("ins_1"), signing_key("ins_ed", "EdDSA"))
    token = issuer.token("user_member", key)
    assert (await phone(token)).welcome["userId"] == gym.member.user_id
    assert await status_of(http, token) == OK


async def test_whom_the_tables_do_not_know_is_nobody(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    await database.execute("update users set deleted_at = now() where clerk_id = 'user_member2'")
    await database.execute("update users set clerk_id = null where clerk_id = 'user_coach2'")
    for subject in ("user_unknown", "user_member2", "user_coach2", gym.member.user_id):
        token = issuer.token(subject)
        assert (await code_of(phone, token), await status_of(http, token)) == (4503, UNAUTHENTICATED)


async def test_a_verified_token_is_worth_nothing_once_its_user_is_deleted(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession, database: Tables
) -> None:
    token = issuer.token("user_member")
    assert await status_of(http, token) == OK
    await database.execute("update users set deleted_at = now() where clerk_id = 'user_member'")
    assert (await code_of(phone, token), await status_of(http, token)) == (4503, UNAUTHENTICATED)


async def test_a_page_that_asked_for_the_token_must_be_one_of_ours(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession
) -> None:
    assert await status_of(http, issuer.token("user_member", azp=APP)) == OK
    for other in ("https://evil.test", f"{APP}.evil.test", f"{APP}/", "", 7, [APP]):
        token = issuer.token("user_member", azp=other)
        assert (await code_of(phone, token), await status_of(http, token)) == (4500, UNAUTHENTICATED)


async def test_the_audience_is_checked_when_it_is_set(
    gym: Place, issuer: Issuer, http: ClientSession, settings: Settings
) -> None:
    assert await status_of(http, issuer.token("user_member", aud="whoever")) == OK

    picky = Settings(**{**vars(settings), "jwt_audience": "coachwire"})
    async with TestServer(init_app(picky)) as server, ClientSession(server.make_url("/")) as other:
        for audience, expected in (
            ("coachwire", OK),
            (["web", "coachwire"], OK),
            ("web", UNAUTHENTICATED),
            (None, UNAUTHENTICATED),
        ):
            assert await status_of(other, issuer.token("user_member", aud=audience)) == expected


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_clocks_may_differ_by_ten_seconds(
    gym: Place, issuer: Issuer, http: ClientSession, claim: str
) -> None:
    now = int(time.time())
    assert await status_of(http, issuer.token("user_member", None, **{claim: now + 8})) == OK
    assert await status_of(http, issuer.token("user_member", None, **{claim: now + 60})) == UNAUTHENTICATED
    assert await status_of(http, issuer.token("user_member", exp=now - 5)) == OK
    assert await status_of(http, issuer.token("user_member", exp=now - 11)) == UNAUTHENTICATED


async def test_when_everybody_comes_back_no_signature_is_checked_again(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession, checks: list[str]
) -> None:
    token = issuer.token("user_member")
    await phone(token)
    await phone(token)
    assert await status_of(http, token) == OK
    assert checks == [token]


# Keys


async def test_a_new_key_works_from_its_first_token_and_the_old_one_while_it_is_served(
    gym: Place, issuer: Issuer, http: ClientSession
) -> None:
    old, new = issuer.key, signing_key("ins_2")
    assert await status_of(http, issuer.token("user_member")) == OK
    issuer.publish(old, new)
    fetches = issuer.fetches
    assert await status_of(http, issuer.token("user_member", new)) == OK
    assert await status_of(http, issuer.token("user_coach", old)) == OK
    assert issuer.fetches == fetches + 1


async def test_a_key_that_was_withdrawn_is_good_for_nothing_not_even_for_what_it_had_verified(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession
) -> None:
    known = issuer.token("user_member")
    assert await status_of(http, known) == OK
    issuer.publish(signing_key("ins_2"))
    assert await status_of(http, issuer.token("user_member", signing_key("ins_2"))) == OK
    for token in (known, issuer.token("user_member")):
        assert (await code_of(phone, token), await status_of(http, token)) == (4500, UNAUTHENTICATED)


async def test_the_set_is_fetched_again_by_itself(
    gym: Place, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr("coachwire.identity.jwks.REFRESH", 0.02)
    async with TestServer(init_app(settings)) as server, ClientSession(server.make_url("/")) as http:
        token = issuer.token("user_member")
        assert await status_of(http, token) == OK
        issuer.publish()
        await issuer.asked()
        await issuer.asked()  # so the answer before it was read
        assert await status_of(http, token) == UNAUTHENTICATED


async def test_known_keys_work_while_the_issuer_is_away_and_others_cannot_be_judged(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession, no_pause: None
) -> None:
    assert await status_of(http, issuer.token("user_member")) == OK
    await issuer.stop()
    assert await status_of(http, issuer.token("user_coach")) == OK
    token = issuer.token("user_member", signing_key("ins_2"))
    assert (await code_of(phone, token), await status_of(http, token)) == (1013, UNAVAILABLE)


async def test_a_server_that_started_without_the_issuer_lets_people_in_when_it_is_back(
    gym: Place, settings: Settings, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.identity.jwks.RETRY", 0.02)
    await issuer.stop()
    async with TestServer(init_app(settings)) as server, ClientSession(server.make_url("/")) as http:
        token = issuer.token("user_member")
        for _ in range(3):
            assert await status_of(http, token) == UNAVAILABLE
        await issuer.start()
        await issuer.asked()  # by the server itself: a key id may not make it ask so soon
        assert await status_of(http, token) == OK


async def test_an_issuer_that_hangs_keeps_nobody_waiting(
    gym: Place, issuer: Issuer, phone: OpenPhone, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await status_of(http, issuer.token("user_member")) == OK
    monkeypatch.setattr("coachwire.identity.jwks.FETCH", 0.2)
    issuer.hang()
    stranger = asyncio.create_task(status_of(http, issuer.token("user_member", signing_key("ins_2"))))
    await issuer.asked()
    assert await status_of(http, issuer.token("user_coach")) == OK
    assert not stranger.done()
    assert await stranger == UNAVAILABLE


async def test_who_is_still_being_identified_when_a_server_goes_is_sent_on(
    gym: Place, issuer: Issuer, phone: OpenPhone, server: TestServer, no_pause: None
) -> None:
    member, fresh = await phone(issuer.token("user_member")), signing_key("ins_2")
    coach = await phone(issuer.token("user_coach", fresh), connect=False)
    issuer.hang()
    await coach.open()
    await coach.say({"type": "hello", "token": coach.token, "device": coach.device})
    await issuer.asked()
    server.app[READINESS].draining = True
    draining = asyncio.create_task(drain(server.app))
    assert await member.close_code() == 4000
    issuer.publish(issuer.key, fresh)
    assert await coach.close_code() == 4000
    await draining


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (500, b"", {}),
        (404, b"", {}),
        (204, b"", {}),
        (302, b"", {"Location": "/moved.json"}),
        (200, b"", {}),
        (200, b"<html>", {}),
        (200, b"[]", {}),
        (200, b"{}", {}),
        (200, b'{"keys":{}}', {}),
        (200, b'{"keys":[' + b"[" * 60_000, {}),
        (200, b'{"keys":[],"more":"' + b"x" * 70_000 + b'"}', {}),
        (200, gzip.compress(b'{"keys":[]}'), {"Content-Encoding": "gzip"}),
    ],
    ids=range(12),
)
async def test_an_answer_that_is_no_key_set_changes_nothing(
    gym: Place, issuer: Issuer, http: ClientSession, status: int, body: bytes, headers: dict[str, str]
) -> None:
    token = issuer.token("user_member")
    assert await status_of(http, token) == OK
    issuer.publish(issuer.key, signing_key("ins_2"))  # what a redirect would lead to
    issuer.answer(status, body, **headers)
    assert await status_of(http, issuer.token("user_member", signing_key("ins_2"))) == UNAVAILABLE
    assert await status_of(http, token) == OK


async def test_ten_thousand_unknown_key_ids_make_one_fetch(
    gym: Place, issuer: Issuer, http: ClientSession, server: TestServer
) -> None:
    from coachwire.keys import AUTHENTICATOR  # below the doors: through them it would take ten times as long
    from coachwire_protocol.errors import Unauthenticated, Unavailable

    assert await status_of(http, issuer.token("user_member")) == OK
    fetches = issuer.fetches
    head, _, rest = issuer.token("user_member").partition(".")
    identify = server.app[AUTHENTICATOR].identify
    outcomes: list[BaseException | object] = []
    for hundred in range(100):
        heads = [
            jwt.utils.base64url_encode(b'{"alg":"RS256","kid":"%d"}' % (hundred * 100 + one)).decode()
            for one in range(100)
        ]
        outcomes += await asyncio.gather(*(identify(f"{h}.{rest}") for h in heads), return_exceptions=True)
    assert issuer.fetches == fetches + 1
    # Those that waited for the fetch are refused for good; the others are told to ask again.
    assert [type(outcome) for outcome in outcomes] == [Unauthenticated] * 100 + [Unavailable] * 9_900
    assert await status_of(http, f"{heads[0]}.{rest}") == UNAVAILABLE
    assert await status_of(http, f"{head}.{rest}") == OK


async def test_after_a_minute_an_unknown_key_id_makes_it_ask_again(
    gym: Place, issuer: Issuer, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await status_of(http, issuer.token("user_member")) == OK
    assert await status_of(http, issuer.token("user_member", signing_key("ins_2"))) == UNAUTHENTICATED
    issuer.publish(signing_key("ins_3"))
    assert await status_of(http, issuer.token("user_member", signing_key("ins_3"))) == UNAVAILABLE
    monkeypatch.setattr("coachwire.identity.jwks.PAUSE", 0.0)
    assert await status_of(http, issuer.token("user_member", signing_key("ins_3"))) == OK


def test_only_sound_keys_for_our_algorithms_are_taken_from_a_set() -> None:
    rsa, ed = signing_key("rsa").published, signing_key("ed", "EdDSA").published
    passed_over = [
        rsa | {"kid": None},
        rsa | {"kid": 7},
        rsa | {"kid": ""},
        {key: value for key, value in rsa.items() if key != "kid"},
        rsa | {"kid": "a", "alg": "RS512"},
        rsa | {"kid": "b", "alg": "HS256"},
        rsa | {"kid": "c", "use": "enc"},
        rsa | {"kid": "d", "key_ops": ["encrypt"]},
        rsa | {"kid": "e", "d": "AQAB"},
        rsa | {"kid": "f", "n": rsa["n"][:170]},
        rsa | {"kid": "g", "n": rsa["n"] * 5},
        rsa | {"kid": "h", "e": rsa["n"]},
        rsa | {"kid": "i", "n": "", "e": ""},
        rsa | {"kid": "j", "n": "%%%"},
        rsa | {"kid": "k", "kty": "EC"},
        ed | {"kid": "l", "alg": "RS256"},
        ed | {"kid": "m", "crv": "Ed448"},
        ed | {"kid": "n", "x": ed["x"][:20]},
        {"kty": "oct", "kid": "o", "k": "c2VjcmV0", "alg": "HS256"},
        rsa | {"kid": "twice"},
        ed | {"kid": "twice"},
        "no key",
        None,
    ]
    keys = read_keys(
        json.dumps({"keys": [*passed_over, rsa, ed, rsa | {"kid": "any", "alg": None}]}).encode()
    )
    assert {kid: key.algorithm for kid, key in keys.items()} == {
        "rsa": "RS256",
        "ed": "EdDSA",
        "any": "RS256",
    }
    assert read_keys(b'{"keys":[]}') == {}
    with pytest.raises(KeysUnavailable):
        read_keys(b'{"keys":[\xff]}')


# While connected


async def test_a_refreshed_token_takes_the_place_of_the_old_one(
    gym: Place, issuer: Issuer, phone: OpenPhone
) -> None:
    member = await phone(issuer.token("user_member", sid="sess_1"))
    exp = int(time.time()) + 120
    answer = await member.ask("token.refresh", token=issuer.token("user_member", sid="sess_1", exp=exp))
    assert parse_time(answer["data"]["tokenExpiresAt"]).timestamp() == exp
    assert (await member.ask("token.refresh", token=issuer.token("user_member")))["type"] == "ok"


async def test_a_bad_or_expired_refresh_changes_nothing(
    gym: Place, issuer: Issuer, phone: OpenPhone, no_pause: None
) -> None:
    member = await phone(issuer.token("user_member"))
    for bad in (
        "x",
        issuer.token("user_member", exp=int(time.time()) - 11),
        issuer.token("user_member", iss="https://other.test"),
        issuer.token("user_member", signing_key("ins_2")),
        issuer.token("user_member")[:-8],
    ):
        answer = await member.ask("token.refresh", token=bad)
        assert (answer["type"], answer["error"]["code"]) == ("error", "unauthenticated")
    assert [frame["type"] for frame in await member.drained()] in ([], ["notice"])

    await issuer.stop()
    answer = await member.ask("token.refresh", token=issuer.token("user_member", signing_key("ins_3")))
    assert (answer["type"], answer["error"]["code"]) == ("error", "unavailable")
    assert (await member.ask("token.refresh", token=issuer.token("user_member")))["type"] == "ok"


@pytest.mark.parametrize(
    ("subject", "sid"), [("user_coach", "sess_1"), ("user_nobody", "sess_1"), ("user_member", "sess_2")]
)
async def test_a_refresh_with_the_token_of_another_user_or_session_ends_the_connection(
    gym: Place, issuer: Issuer, phone: OpenPhone, subject: str, sid: str
) -> None:
    member = await phone(issuer.token("user_member", sid="sess_1"))
    await member.ask(
        "token.refresh", token=issuer.token("user_member")
    )  # says no session: it stays the first
    await member.say({"type": "token.refresh", "ref": 9, "token": issuer.token(subject, sid=sid)})
    assert await member.close_code() == 4500


async def test_a_token_that_lives_less_than_a_minute_is_warned_of_at_once_and_once(
    gym: Place, issuer: Issuer, phone: OpenPhone, quick_wheel: None
) -> None:
    exp = int(time.time()) + 50
    member = await phone(issuer.token("user_member", exp=exp))
    notice = await member.next("notice")
    expires_at = member.welcome["tokenExpiresAt"]
    assert parse_time(expires_at).timestamp() == exp
    assert notice == {"type": "notice", "kind": "token_expiring", "data": {"expiresAt": expires_at}}

    answer = await member.ask("token.refresh", token=issuer.token("user_member", exp=exp + 5))
    assert (await member.next("notice"))["data"] == {"expiresAt": answer["data"]["tokenExpiresAt"]}

    await member.ask("token.refresh", token=issuer.token("user_member", exp=exp + 600))
    for _ in range(20):  # longer than two turns of the wheel
        await member.drained()
    assert await member.drained() == []


async def test_a_token_that_is_not_renewed_ends_the_connection(
    gym: Place, issuer: Issuer, phone: OpenPhone, quick_wheel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coachwire.socket.heartbeat.GRACE", 5.0)
    member = await phone(issuer.token("user_member", exp=int(time.time()) - 3))
    assert (await member.next("notice"))["kind"] == "token_expiring"
    assert await member.close_code() == 4004


def test_a_token_is_warned_of_a_minute_before_it_expires_and_ends_half_a_minute_after() -> None:
    assert [token_due(left) for left in (60.0, 59.9, 0.0, -30.0, -30.1)] == [None, *["warn"] * 3, "close"]


# The small store of verified tokens


def claims(left: float) -> Claims:
    from datetime import UTC, datetime, timedelta

    return Claims(
        subject="user_1", sid=None, issued_at=None, expires_at=datetime.now(UTC) + timedelta(seconds=left)
    )


def test_verified_tokens_are_known_until_they_expire_or_the_keys_change() -> None:
    tokens, good, late = VerifiedTokens(), claims(60), claims(-11)
    tokens.keep("good", 1, good)
    tokens.keep("late", 1, late)
    assert tokens.find("good", 1) is good
    assert tokens.find("other", 1) is None
    with pytest.raises(TokenExpired):
        tokens.find("late", 1)
    assert tokens.find("good", 2) is None
    assert tokens.find("good", 1) is None


def test_of_too_many_verified_tokens_the_oldest_is_forgotten() -> None:
    tokens, good = VerifiedTokens(), claims(60)
    for number in range(KEPT + 1):
        tokens.keep(str(number), 1, good)
    assert [tokens.find(token, 1) for token in ("0", "1", str(KEPT))] == [None, good, good]


# Settings

SECRET = "a secret that is long enough for HS256"
URL = "https://clerk.gym.test/.well-known/jwks.json"


@pytest.mark.parametrize(
    "url",
    [
        "http://clerk.gym.test/keys",
        "http://localhost.gym.test/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/keys",
        "clerk.gym.test/keys",
        "https://",
        "https://user:hunter2@clerk.gym.test/keys",
        "https://clerk.gym.test:port/keys",
        "https://[::1/keys",
    ],
)
def test_keys_are_fetched_over_https_or_from_this_machine_only(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^COACHWIRE_JWKS_URL: ") as refused:
        Settings.from_environment({"COACHWIRE_JWKS_URL": url, "COACHWIRE_JWT_ISSUER": ISSUER})
    assert "hunter2" not in str(refused.value)
    for good in (URL, "http://127.0.0.1:8/keys", "http://localhost/keys", "http://[::1]:80/keys"):
        read = Settings.from_environment({"COACHWIRE_JWKS_URL": good, "COACHWIRE_JWT_ISSUER": ISSUER})
        assert read.jwks_url == good


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "neither COACHWIRE_JWT_SECRET nor COACHWIRE_JWKS_URL is set: one of them verifies tokens"),
        (
            {"COACHWIRE_JWT_SECRET": SECRET, "COACHWIRE_JWKS_URL": URL, "COACHWIRE_JWT_ISSUER": ISSUER},
            "COACHWIRE_JWT_SECRET and COACHWIRE_JWKS_URL: expected one of them, got both",
        ),
        (
            {"COACHWIRE_JWKS_URL": URL},
            "COACHWIRE_JWT_ISSUER is not set: with COACHWIRE_JWKS_URL it must be",
        ),
    ],
)
def test_tokens_are_verified_in_exactly_one_way(given: dict[str, str], line: str) -> None:
    done = coachwire("serve", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing", **given)
    assert refusal(done) == (2, f"coachwire: {line}")
