"""The first frame of a socket, and whose it is."""

import asyncio

from aiohttp import WSMsgType
from coachwire_protocol.close import CloseCode, Closed
from coachwire_protocol.errors import Unauthenticated, Unavailable
from coachwire_protocol.frames import parse
from coachwire_protocol.session import Hello

from coachwire.identity.auth import Authenticator, Identity, NoAccount
from coachwire.identity.claims import TokenExpired
from coachwire.limits import CONTROLS, CONTROLS_WINDOW, Meter
from coachwire.socket.closing import broken
from coachwire.socket.outgoing import Socket

HELLO = 10.0  # s from the upgrade


async def hear_hello(ws: Socket) -> Hello:
    """The first frame. Raises `Closed` when it is something else, or does not come."""
    controls = Meter(CONTROLS, CONTROLS_WINDOW)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(HELLO):
            while True:
                message = await ws.receive()
                match message.type:
                    case WSMsgType.TEXT:
                        requests = parse(message.data)
                        if len(requests) == 1 and isinstance(requests[0], Hello):
                            return requests[0]
                        raise Closed(CloseCode.BAD_FRAME, "the first frame is no hello")
                    case WSMsgType.PING:
                        await asyncio.sleep(controls.over(loop.time()))
                        await ws.pong(message.data)
                    case WSMsgType.PONG:
                        await asyncio.sleep(controls.over(loop.time()))
                    case WSMsgType.BINARY:
                        raise Closed(CloseCode.BAD_FRAME, "a binary frame")
                    case WSMsgType.ERROR:
                        raise broken(message.data)
                    case _:
                        raise Closed(CloseCode.GOING_AWAY, "the peer left before its hello")
    except TimeoutError:
        raise Closed(CloseCode.NO_HELLO) from None


async def identify(authenticator: Authenticator, token: str) -> Identity:
    """Whose token it is. Raises `Closed` when it is nobody's, or cannot be told now."""
    try:
        return await authenticator.identify(token)
    except TokenExpired:
        raise Closed(CloseCode.TOKEN_EXPIRED) from None
    except NoAccount:
        raise Closed(CloseCode.ACCOUNT_GONE) from None
    except Unavailable:
        raise Closed(CloseCode.TRY_AGAIN_LATER, "keys or users are away") from None
    except Unauthenticated:
        raise Closed(CloseCode.BAD_TOKEN) from None
