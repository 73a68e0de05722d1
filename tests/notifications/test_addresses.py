"""Where the server connects to at somebody's word: to public addresses and to networks that were named, whatever a name
says the next time it is asked."""

import socket
from ipaddress import ip_network
from uuid import uuid4

import pytest
from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from coachwire.notifications.gate import Gate, RefusedAddress, gated_session
from coachwire.notifications.posting import Answer, post

from .receiver import Receiver

REFUSED = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds keep their metadata
    "100.64.0.1",  # carriers' own
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.192",  # Oracle's, formerly
    "168.63.129.16",  # Azure's, a public number
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",  # 127.0.0.1 behind NAT64
    "64:ff9b:1::1",
    "2002:7f00:1::",  # 127.0.0.1 behind 6to4
    "2001:0:7f00:1::",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
ADMITTED = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not Gate().admits(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    info: AddrInfoType = (family, socket.SOCK_STREAM, 6, "", (address, 443))
    with pytest.raises(RefusedAddress):
        Gate().open_socket(info)


@pytest.mark.parametrize("address", ADMITTED)
def test_what_is_public_is_admitted(address: str) -> None:
    assert Gate().admits(address)
    assert not Gate([ip_network("10.0.0.0/8")], only=True).admits(address)


def test_a_network_that_was_named_is_admitted_and_no_other() -> None:
    gate = Gate([ip_network("10.1.0.0/16"), ip_network("::1/128")])
    assert [gate.admits(one) for one in ("10.1.2.3", "::ffff:10.1.2.3", "10.2.0.1", "::1", "1.1.1.1")] == [
        True,
        True,
        False,
        True,
        True,
    ]


class Names(AbstractResolver):
    """A resolver of the test's own: each name has a list of addresses, a new one each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {
                "hostname": host,
                "host": one,
                "port": port,
                "family": socket.AF_INET6 if ":" in one else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for one in addresses
        ]

    async def close(self) -> None:
        pass


async def test_a_name_that_is_rebound_to_us_is_refused(receiver: Receiver) -> None:
    """Asked by whoever checks, it is public; asked by whoever connects, it is this machine: here both are one."""
    names = Names(["127.0.0.1"], ["::ffff:127.0.0.1", "127.0.0.1"])
    async with gated_session(Gate(), seconds=5, most=1, resolver=names) as http:
        url = f"http://rebound.test:{receiver.server.port}/"
        for _ in range(2):
            assert await post(http, url, b"{}", {}) == Answer(None, "refused address")
    assert (names.asked, receiver.posts) == (2, [])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "[::ffff:7f00:1]"]
)
async def test_our_own_address_is_refused_in_every_spelling(receiver: Receiver, host: str) -> None:
    async with gated_session(Gate(), seconds=5, most=1) as http:
        answer = await post(http, f"http://{host}:{receiver.server.port}/", b"{}", {})
    assert answer.status is None
    assert receiver.posts == []


async def test_an_address_that_was_named_is_reached(receiver: Receiver) -> None:
    gate = Gate([ip_network("127.0.0.0/8")], only=True)
    async with gated_session(gate, seconds=5, most=1, resolver=Names(["127.0.0.1"])) as http:
        url = f"http://platform.test:{receiver.server.port}/{uuid4()}"
        assert (await post(http, url, b"{}", {})).status == 204
    assert len(receiver.posts) == 1
