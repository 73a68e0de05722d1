"""What the operator decides about notifications: right, or one line that says what is wrong and no secret."""

from ipaddress import ip_network

import pytest
from coachwire.notifications.settings import new_vapid_key
from coachwire.settings import Settings, SettingsError

from .receiver import OTHER_SECRET, SECRET

HOOKS = "https://platform.test/hooks"
PRIVATE, KEY = new_vapid_key()


def test_without_any_nobody_is_notified() -> None:
    assert not Settings.from_environment({}).notifies
    assert not Settings.from_environment({"COACHWIRE_WEBHOOK_SECRETS": SECRET}).notifies


def test_a_webhook_has_an_address_and_secrets() -> None:
    settings = Settings.from_environment(
        {
            "COACHWIRE_WEBHOOK_URL": HOOKS,
            "COACHWIRE_WEBHOOK_SECRETS": f"{SECRET}, {OTHER_SECRET}",
            "COACHWIRE_WEBHOOK_ALLOW_PRIVATE": "10.0.0.0/8, fd00::/8",
        }
    )
    assert settings.notifies
    assert settings.webhook is not None
    assert (settings.webhook.url, settings.webhook.plain) == (HOOKS, False)
    assert [len(secret) for secret in settings.webhook.secrets] == [24, 33]
    assert settings.webhook.networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert SECRET.removeprefix("whsec_") not in repr(settings)
    assert repr(settings.webhook.secrets[0]) not in repr(settings)


def test_web_push_has_a_key_and_somebody_to_write_to() -> None:
    settings = Settings.from_environment(
        {"COACHWIRE_VAPID_PRIVATE_KEY": PRIVATE, "COACHWIRE_VAPID_SUBJECT": "mailto:ops@gym.test"}
    )
    assert settings.notifies
    assert settings.vapid is not None
    assert (settings.vapid.private_key, settings.vapid.subject) == (KEY, "ops@gym.test")
    assert repr(KEY) not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"COACHWIRE_WEBHOOK_URL": HOOKS},
            "COACHWIRE_WEBHOOK_SECRETS is not set: with COACHWIRE_WEBHOOK_URL it must be",
        ),
        (
            {"COACHWIRE_WEBHOOK_URL": "http://platform.test/", "COACHWIRE_WEBHOOK_SECRETS": SECRET},
            (
                "COACHWIRE_WEBHOOK_URL: expected an https:// address"
                " (http:// in networks of COACHWIRE_WEBHOOK_ALLOW_PRIVATE only)"
            ),
        ),
        (
            {"COACHWIRE_WEBHOOK_URL": "https://user:word@platform.test/"},
            "COACHWIRE_WEBHOOK_URL: expected an address without a user and without a #",
        ),
        (
            {"COACHWIRE_WEBHOOK_SECRETS": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
            "COACHWIRE_WEBHOOK_SECRETS: expected secrets that begin with whsec_",
        ),
        (
            {"COACHWIRE_WEBHOOK_SECRETS": "whsec_" + "AAAA" * 7},
            "COACHWIRE_WEBHOOK_SECRETS: expected 24 to 64 bytes in base64 after whsec_, got 21",
        ),
        (
            {"COACHWIRE_WEBHOOK_SECRETS": "whsec_not base64"},
            "COACHWIRE_WEBHOOK_SECRETS: expected base64 after whsec_",
        ),
        (
            {"COACHWIRE_WEBHOOK_SECRETS": ",".join([SECRET] * 3)},
            "COACHWIRE_WEBHOOK_SECRETS: expected one secret, or two during rotation, got 3",
        ),
        (
            {"COACHWIRE_WEBHOOK_ALLOW_PRIVATE": "::/x"},
            "COACHWIRE_WEBHOOK_ALLOW_PRIVATE: expected networks such as 10.0.0.0/8, separated by commas, got '::/x'",
        ),
        (
            {"COACHWIRE_VAPID_PRIVATE_KEY": PRIVATE},
            "COACHWIRE_VAPID_SUBJECT is not set: with COACHWIRE_VAPID_PRIVATE_KEY it must be",
        ),
        (
            {"COACHWIRE_VAPID_PRIVATE_KEY": PRIVATE[:-2]},
            "COACHWIRE_VAPID_PRIVATE_KEY: expected 32 bytes in base64url; `coachwire vapid` makes one",
        ),
        (
            {"COACHWIRE_VAPID_PRIVATE_KEY": "A" * 43},
            "COACHWIRE_VAPID_PRIVATE_KEY: expected a private key on P-256; `coachwire vapid` makes one",
        ),
        (
            {"COACHWIRE_VAPID_SUBJECT": "ops"},
            "COACHWIRE_VAPID_SUBJECT: expected an address such as mailto:ops@example.com, got 'ops'",
        ),
    ],
)
def test_what_is_wrong_is_one_line(environment: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environment)
    assert str(refused.value) == line
