"""The hash that tells whether a repeated id repeats the message."""

from hashlib import sha256
from itertools import combinations

from coachwire_protocol.messages import Party, payload_hash

from .ids import COACH, GYM, MEMBER, MESSAGE, OTHER


def test_the_encoding_is_the_one_that_is_stored() -> None:
    expected = sha256(f"{GYM}m{MEMBER}".encode() + b"\0\0\0\2" + f"{MESSAGE}{OTHER}1שלום".encode()).digest()
    assert payload_hash(GYM, Party(membership_id=MEMBER), "שלום", (MESSAGE, OTHER)) == expected


def test_whatever_differs_gives_another_hash() -> None:
    to = Party(membership_id=MEMBER)
    hashes = [
        payload_hash(GYM, to, "x", ()),
        payload_hash(COACH, to, "x", ()),
        payload_hash(GYM, Party(membership_id=COACH), "x", ()),
        payload_hash(GYM, Party(workout_assignment_id=MEMBER), "x", ()),
        payload_hash(GYM, to, "x ", ()),
        payload_hash(GYM, to, "x", (MESSAGE,)),
        payload_hash(GYM, to, "x", (MESSAGE, OTHER)),
        payload_hash(GYM, to, "x", (OTHER, MESSAGE)),
        payload_hash(GYM, to, None, (MESSAGE,)),
        payload_hash(GYM, to, "", (MESSAGE,)),
        payload_hash(GYM, to, MESSAGE + "1x", ()),
    ]
    assert all(len(one) == 32 for one in hashes)
    assert all(one != other for one, other in combinations(hashes, 2))
