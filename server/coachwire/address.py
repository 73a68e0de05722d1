"""By which address clients reach this server, for links to what it serves itself."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from coachwire.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PublicAddress:
    """As the operator says; else where the first request came in, which is right where nothing stands in between.
    Never as a request says: its sender would decide where others' links lead."""

    def __init__(self, settings: Settings) -> None:
        self._told = settings.public_url is not None
        self._address = settings.public_url or _address(settings.host, settings.port)

    def __call__(self) -> str:
        return self._address

    def learn(self, request: web.Request) -> None:
        if self._told or request.transport is None:
            return
        self._told = True
        match request.transport.get_extra_info("sockname"):
            case (str(host), int(port), *_):
                self._address = _address(host, port)


ADDRESS = web.AppKey("address", PublicAddress)


@web.middleware
async def learn_address(request: web.Request, handler: Handler) -> web.StreamResponse:
    request.app[ADDRESS].learn(request)
    return await handler(request)


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
