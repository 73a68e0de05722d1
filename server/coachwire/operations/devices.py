"""A user's devices over REST: made known, how far they have stored, signed out."""

from base64 import urlsafe_b64decode
from typing import NamedTuple

from coachwire_protocol.devices import AckOnDevice, Device, RegisterDevice, SignOut
from coachwire_protocol.errors import BadRequest, NotFound, Unauthenticated
from msgspec import UNSET, Struct

from coachwire.database import Query
from coachwire.operation import Actor, Outcome, Scope, operation

SIGNED_OUT = "This device is signed out: sign in anew."


class Registered(NamedTuple):
    platform: str
    language: str
    web_push: bool


class SignedOutRow(NamedTuple):
    signed_out: bool


class SessionRow(NamedTuple):
    session: int


class SignedOut(Struct, frozen=True):
    """Its sockets through this session are to be closed; None: nothing changed."""

    session: int | None


REGISTER = Query("devices/register", Registered)
IS_SIGNED_OUT = Query("devices/is_signed_out", SignedOutRow)
SIGN_OUT = Query("devices/sign_out", SessionRow)


@operation(RegisterDevice)
async def register_device(scope: Scope, actor: Actor, request: RegisterDevice) -> Outcome:
    """Raises `Unauthenticated` when it is signed out and the token no newer. A browser's subscription is its last
    registrant's: whoever else used that browser before is pushed nothing there."""
    subscription = request.web_push or None
    if subscription is not None:
        _check_point(subscription.keys.p256dh)
    row = await REGISTER.first(
        scope.tx,
        actor.user_id,
        request.device,
        request.platform,
        request.language,
        actor.issued_at,
        request.web_push is not UNSET,
        subscription and subscription.endpoint,
        subscription and subscription.keys.p256dh,
        subscription and subscription.keys.auth,
    )
    if row is None:
        raise Unauthenticated(SIGNED_OUT)
    device = Device(
        device=request.device,
        platform=row.platform,
        language=row.language,
        web_push=row.web_push,
        application_server_key=scope.push_key,
    )
    return Outcome(data=device)


@operation(AckOnDevice)
async def may_acknowledge(scope: Scope, actor: Actor, request: AckOnDevice) -> Outcome:
    """Whether this device may say what it has stored; the door passes it on as it does a socket's. Raises `NotFound`
    for a device that nobody knows, `Unauthenticated` when it is signed out and the token no newer."""
    row = await IS_SIGNED_OUT.first(scope.tx, actor.user_id, request.device, actor.issued_at)
    if row is None:
        raise NotFound
    if row.signed_out:
        raise Unauthenticated(SIGNED_OUT)
    return Outcome()


@operation(SignOut)
async def sign_out(scope: Scope, actor: Actor, request: SignOut) -> Outcome:
    """Again, by the same token: harmless, and changes nothing."""
    row = await SIGN_OUT.first(scope.tx, actor.user_id, request.device, actor.issued_at)
    return Outcome(data=SignedOut(row.session if row is not None else None))


def _check_point(p256dh: str) -> None:
    """Raises `BadRequest` for what nothing can be encrypted for."""
    from cryptography.hazmat.primitives.asymmetric import ec  # slow to import: only where it is needed

    try:
        point = urlsafe_b64decode(p256dh + "=" * (-len(p256dh) % 4))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise BadRequest.at("webPush.keys.p256dh", "Expected a public key on P-256.") from None
