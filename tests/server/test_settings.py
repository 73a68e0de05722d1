"""What an organization decides for itself."""

import pytest
from aiohttp import ClientSession

from ..gym import Place
from .caller import Caller

NOTHING = {"editWindow": None, "messageRetentionDays": None, "contentInNotifications": False}


async def test_nothing_is_decided_until_the_owner_does(gym: Place, http: ClientSession) -> None:
    for who in (gym.owner, gym.admin, gym.coach):
        assert (await Caller(http, who).get("settings")).data == NOTHING


async def test_what_a_change_leaves_out_stays_and_null_takes_back(gym: Place, http: ClientSession) -> None:
    owner = Caller(http, gym.owner)
    assert (await owner.patch("settings", {})).data == NOTHING
    assert (await owner.patch("settings", {"editWindow": 60, "contentInNotifications": True})).data == {
        "editWindow": 60,
        "messageRetentionDays": None,
        "contentInNotifications": True,
    }
    assert (await owner.patch("settings", {"messageRetentionDays": 365, "editWindow": None})).data == {
        "editWindow": None,
        "messageRetentionDays": 365,
        "contentInNotifications": True,
    }
    await owner.patch("settings", {"contentInNotifications": False, "somethingElse": 1})
    assert (await Caller(http, gym.coach).get("settings")).data == NOTHING | {"messageRetentionDays": 365}


async def test_the_first_change_may_be_any(gym: Place, http: ClientSession) -> None:
    changed = await Caller(http, gym.owner).patch("settings", {"messageRetentionDays": 1})
    assert changed.data == NOTHING | {"messageRetentionDays": 1}


async def test_owners_decide_staff_look_members_do_neither(
    gym: Place, other_gym: Place, http: ClientSession
) -> None:
    for who in (gym.admin, gym.coach, gym.member):
        assert (await Caller(http, who).patch("settings", {"editWindow": 0})).code == "forbidden"
    assert (await Caller(http, gym.member).get("settings")).code == "forbidden"
    elsewhere = f"/v1/organizations/{other_gym.organization_id}/settings"
    assert (await Caller(http, gym.owner).get(elsewhere)).code == "forbidden"
    assert (await Caller(http, gym.owner).patch(elsewhere, {"editWindow": 0})).code == "forbidden"
    assert (await Caller(http, other_gym.owner).get("settings")).data == NOTHING


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("editWindow", -1),
        ("editWindow", 366 * 86_400 + 1),
        ("editWindow", "15m"),
        ("editWindow", 1.5),
        ("messageRetentionDays", 0),
        ("messageRetentionDays", 36_501),
        ("contentInNotifications", None),
        ("contentInNotifications", 1),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    gym: Place, http: ClientSession, field: str, value: object
) -> None:
    owner = Caller(http, gym.owner)
    valid = {"editWindow": 5, "messageRetentionDays": 5, "contentInNotifications": True}
    refused = await owner.patch("settings", valid | {field: value})
    assert refused.code == "bad_request"
    assert [error["field"] for error in refused.body["errors"]] == [field]
    assert (await owner.get("settings")).data == NOTHING
