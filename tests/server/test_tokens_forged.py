"""Forged tokens: whatever an attacker makes of what is public, and of a token of their own, opens no door."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession
from coachwire.identity.claims import Expected, Key, read_claims, read_header
from coachwire.settings import Settings
from coachwire_protocol.errors import Unauthenticated

from ..gym import SECRET, Place
from ..issuer import ISSUER, Issuer, SigningKey, claims_of, signing_key
from .conftest import OpenPhone
from .platform import Tables

RSA, ED, OTHER = signing_key("ins_1"), signing_key("ins_ed", "EdDSA"), signing_key("ins_other")
WHO = "user_member"


def said(**claims: Any) -> dict[str, Any]:
    """Right in everything that is not given."""
    return claims_of(WHO, **{"aud": "coachwire"} | claims)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return jwt.utils.base64url_encode(raw).decode()


def parts(token: str) -> list[str]:
    return token.split(".")


def good(**claims: Any) -> str:
    return RSA.sign(said(**claims))


def hmac_signed(secret: bytes, **header: Any) -> str:
    """The library refuses to sign so; an attacker does not ask it."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'ins_1'} | header)}.{part(said())}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def rsa_signed(header: object, claims: object) -> str:
    """With the right key, whatever the parts say."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    assert isinstance(RSA.private, RSAPrivateKey)
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(RSA.private.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def general_json(*tokens: str) -> str:
    """The JSON serialization, with several signatures."""
    signatures = [{"protected": parts(token)[0], "signature": parts(token)[2]} for token in tokens]
    return json.dumps({"payload": parts(tokens[0])[1], "signatures": signatures})


HEADER = {"alg": "RS256", "typ": "JWT", "kid": "ins_1"}
JKU = "https://evil.test/keys.json"

FORGED: dict[str, Callable[[], str]] = {
    # the signature
    "unsigned, alg none": lambda: f"{part({'alg': 'none', 'kid': 'ins_1'})}.{part(said())}.",
    "alg none with a signature": lambda: (
        f"{part({'alg': 'none', 'kid': 'ins_1'})}.{'.'.join(parts(good())[1:])}"
    ),
    "alg None": lambda: rsa_signed(HEADER | {"alg": "None"}, said()),
    "no alg": lambda: rsa_signed({"typ": "JWT", "kid": "ins_1"}, said()),
    "a list as alg": lambda: rsa_signed(HEADER | {"alg": ["RS256"]}, said()),
    "HS256 with the public key as PEM": lambda: hmac_signed(RSA.pem),
    "HS256 with the public key's PEM without the last newline": lambda: hmac_signed(RSA.pem.rstrip()),
    "HS256 with the published modulus": lambda: hmac_signed(RSA.published["n"].encode()),
    "HS256 with an empty secret": lambda: hmac_signed(b""),
    "HS256 with the secret of another installation": lambda: hmac_signed(SECRET.encode()),
    "HS256 without a kid": lambda: jwt.encode(said(), SECRET, "HS256"),
    "RS512 by the right key": lambda: jwt.encode(said(), RSA.private, "RS512", {"kid": "ins_1"}),
    "PS256 by the right key": lambda: jwt.encode(said(), RSA.private, "PS256", {"kid": "ins_1"}),
    "by another key under a known kid": lambda: OTHER.sign(said(), kid="ins_1"),
    "an RS256 token with the kid of an EdDSA key": lambda: RSA.sign(said(), kid="ins_ed"),
    "an EdDSA token with the kid of an RSA key": lambda: ED.sign(said(), kid="ins_1"),
    "an RS256 signature that calls itself EdDSA": lambda: rsa_signed(
        {"alg": "EdDSA", "kid": "ins_ed"}, said()
    ),
    "another payload under the signature": lambda: ".".join(
        [parts(good())[0], part(said(sub="user_owner")), parts(good())[2]]
    ),
    "another header above the signature": lambda: ".".join([part(HEADER | {"x": 1}), *parts(good())[1:]]),
    "a signature cut short": lambda: good()[:-6],
    "an empty signature": lambda: ".".join([*parts(good())[:2], ""]),
    "the signature of nothing but zeros": lambda: ".".join([*parts(good())[:2], part(bytes(256))]),
    # the key
    "an unknown kid": lambda: OTHER.sign(said()),
    "no kid": lambda: RSA.sign(said(), kid=None),
    "an empty kid": lambda: RSA.sign(said(), kid=""),
    "a number as kid": lambda: rsa_signed(HEADER | {"kid": 1}, said()),
    "a path as kid": lambda: RSA.sign(said(), kid="../../../../dev/null"),
    "a NUL in the kid": lambda: RSA.sign(said(), kid="ins_1\0"),
    "a kid that stands twice": lambda: rsa_signed(b'{"alg":"RS256","kid":"ins_other","kid":"ins_1"}', said()),
    "an alg that stands twice": lambda: rsa_signed(b'{"alg":"none","alg":"RS256","kid":"ins_1"}', said()),
    "jku": lambda: RSA.sign(said(), jku=JKU),
    "jku with a key of theirs": lambda: OTHER.sign(said(), jku=JKU),
    "x5u": lambda: RSA.sign(said(), x5u=JKU),
    "x5c": lambda: RSA.sign(said(), x5c=["MII"]),
    "a key brought along": lambda: OTHER.sign(said(), jwk=OTHER.published, kid="ins_1"),
    "crit with an extension that nobody knows": lambda: RSA.sign(
        said(), crit=["http://evil.test/x"], **{"http://evil.test/x": 1}
    ),
    "crit with nothing in it": lambda: RSA.sign(said(), crit=[]),
    "b64 and its crit": lambda: rsa_signed(HEADER | {"crit": ["b64"], "b64": False}, said()),
    # the form
    "the JSON serialization": lambda: general_json(good()),
    "two signatures": lambda: general_json(OTHER.sign(said()), good()),
    "two tokens in one": lambda: f"{good()}.{good()}",
    "five parts, as if encrypted": lambda: ".".join(["a"] * 5),
    "huge": lambda: good(more="x" * 17_000),
    "no base64": lambda: good().replace(".", ".*", 1),
    "base64 with padding": lambda: ".".join([*parts(good())[:2], parts(good())[2] + "=="]),
    "the other base64": lambda: ".".join([*parts(good())[:2], "+/" + parts(good())[2][2:]]),
    "letters beyond ASCII": lambda: good() + "é",
    "a header that is a list": lambda: rsa_signed(["RS256"], said()),
    "a header that is no JSON": lambda: rsa_signed(b"{alg:RS256}", said()),
    "a header a thousand levels deep": lambda: rsa_signed(b"[" * 5_000, said()),
    "claims that are a list": lambda: rsa_signed(HEADER, [said()]),
    "claims that are no JSON": lambda: rsa_signed(HEADER, b"sub=user_member"),
    "claims a thousand levels deep": lambda: rsa_signed(HEADER, b'{"a":' * 2_000 + b"1" + b"}" * 2_000),
    "claims that are no UTF-8": lambda: rsa_signed(HEADER, b'{"sub":"\xff"}'),
    # what it says
    "no exp": lambda: good(exp=None),
    "exp null": lambda: rsa_signed(HEADER, said() | {"exp": None}),
    "exp as text": lambda: good(exp=str(int(time.time()) + 60)),
    "exp true": lambda: good(exp=True, iat=None, nbf=None),
    "exp in a list": lambda: good(exp=[4_000_000_000]),
    "exp beyond all calendars": lambda: good(exp=10**18),
    "exp of a thousand digits": lambda: good(exp=10**1_000),
    "exp of ten thousand digits": lambda: rsa_signed(
        HEADER, json.dumps(said()).replace('"exp": ', '"exp": ' + "9" * 10_000).encode()
    ),
    "exp infinite": lambda: good(exp=float("inf")),
    "exp not a number": lambda: good(exp=float("nan")),
    "nbf in an hour": lambda: good(nbf=int(time.time()) + 3600),
    "nbf as text": lambda: good(nbf="0"),
    "iat in an hour": lambda: good(iat=int(time.time()) + 3600),
    "iat as text": lambda: good(iat="0"),
    "another issuer": lambda: good(iss="https://clerk.other.test"),
    "the issuer with a slash": lambda: good(iss=f"{ISSUER}/"),
    "the issuer in a list": lambda: rsa_signed(HEADER, said() | {"iss": [ISSUER]}),
    "no issuer": lambda: good(iss=None),
    "another audience": lambda: good(aud="billing"),
    "no audience": lambda: good(aud=None),
    "another audience among others, as an object": lambda: good(aud={"coachwire": True}),
    "another page": lambda: good(azp="https://evil.test"),
    "no sub": lambda: good(sub=None),
    "an empty sub": lambda: good(sub=""),
    "a number as sub": lambda: good(sub=7),
    "a list as sub": lambda: good(sub=[WHO]),
    "a NUL in the sub": lambda: good(sub=f"{WHO}\0"),
    "half a letter in the sub": lambda: good(sub="\ud800"),
    "a line feed after the sub": lambda: good(sub=f"{WHO}\n"),
    "a sub that is too long": lambda: good(sub="u" * 256),
    "a number as session": lambda: good(sid=7),
}


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as issuer:
        issuer.publish(RSA, ED)
        yield issuer


@pytest.fixture
def settings(database_url: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(
        "coachwire.identity.jwks.PAUSE", 0.0
    )  # so that an unknown kid is refused, not put off
    return Settings(
        database_url=database_url, jwks_url=issuer.url, jwt_issuer=ISSUER, jwt_audience="coachwire"
    )


@pytest.fixture
async def gym(gym: Place, database: Tables) -> Place:
    for name, person in gym.people.items():
        await database.execute("update users set clerk_id = $2 where id = $1", person.user_id, f"user_{name}")
    return gym


async def test_no_forged_token_opens_the_rest_door(gym: Place, http: ClientSession) -> None:
    found = {}
    for name, make in FORGED.items():
        token = make()
        if token.isascii() and len(token) < 8_000:  # no header carries the others
            async with http.get("/v1/sync", headers={"Authorization": f"Bearer {token}"}) as response:
                found[name] = (response.status, (await response.json())["code"])
    assert found == dict.fromkeys(found, (401, "unauthenticated"))
    assert len(FORGED) - len(found) < 5
    async with http.get("/v1/sync", headers={"Authorization": f"Bearer {good()}"}) as response:
        assert response.status == 200


async def test_no_forged_token_opens_a_socket(gym: Place, phone: OpenPhone) -> None:
    found = {}
    for name, make in FORGED.items():
        stranger = await phone(make(), connect=False)
        await stranger.open()
        await stranger.say({"type": "hello", "token": stranger.token, "device": stranger.device})
        found[name] = await stranger.close_code()
        await stranger.leave()
    assert found == dict.fromkeys(FORGED, 4500)
    assert (await phone(good())).welcome["userId"] == gym.member.user_id


async def test_no_forged_token_renews_a_connection(gym: Place, phone: OpenPhone) -> None:
    member = await phone(good(exp=int(time.time()) + 600))
    found = {}
    for name, make in FORGED.items():
        if (
            name == "another payload under the signature"
        ):  # tells of somebody else, and is not believed even that
            continue
        answer = await member.ask("token.refresh", token=make())
        found[name] = answer["error"]["code"]
    assert found == dict.fromkeys(found, "unauthenticated")
    assert await member.drained() == []


async def test_a_key_address_in_a_token_is_never_visited(
    gym: Place, issuer: Issuer, http: ClientSession
) -> None:
    elsewhere = Issuer()
    elsewhere.publish(OTHER)
    async with elsewhere:
        for header in ({"jku": elsewhere.url}, {"x5u": elsewhere.url}):
            for token in (OTHER.sign(said(), **header), RSA.sign(said(), **header)):
                async with http.get("/v1/sync", headers={"Authorization": f"Bearer {token}"}) as response:
                    assert response.status == 401
    assert elsewhere.fetches == 0


@pytest.mark.parametrize("key", [RSA, ED], ids=["RS256", "EdDSA"])
def test_no_letter_of_a_token_can_be_changed(key: SigningKey) -> None:
    token = key.sign(said())
    verifying = Key(key.algorithm, key.private.public_key())
    expected = Expected(subject=str, issuer=ISSUER, audience="coachwire", parties=frozenset())
    assert read_claims(token, verifying, expected).subject == WHO

    accepted = []
    for place, letter in enumerate(token):
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        try:
            read_header(changed)
            read_claims(changed, verifying, expected)
        except Unauthenticated:
            continue
        accepted.append(changed)
    assert accepted == []


async def test_only_what_is_right_in_all_else_has_expired(gym: Place, phone: OpenPhone) -> None:
    """So that nobody comes back again and again with a token that will never do."""
    found = []
    for claims in ({}, {"iss": "https://clerk.other.test"}, {"sub": ""}, {"azp": "https://evil.test"}):
        late = await phone(good(exp=int(time.time()) - 60, **claims), connect=False)
        await late.open()
        await late.say({"type": "hello", "token": late.token, "device": late.device})
        found.append(await late.close_code())
    assert found == [4004, 4500, 4500, 4500]
