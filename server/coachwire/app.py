"""Puts the parts together; the only module that knows them all."""

from collections.abc import AsyncIterator
from datetime import timedelta

from aiohttp import web, web_response

import coachwire.registered  # noqa: F401 - enters all operations and loaders in their tables
from coachwire import rest, service
from coachwire.address import ADDRESS, PublicAddress, learn_address
from coachwire.beside import running_beside
from coachwire.blobs.links import Links
from coachwire.blobs.opening import open_blobs
from coachwire.bus import Bus, InProcessBus
from coachwire.bus.cluster import redis_bus
from coachwire.database import Database
from coachwire.files.processing import Processing
from coachwire.files.sweeping import Sweeping
from coachwire.hub import Hub
from coachwire.hub.fanout import Fanout
from coachwire.hub.gaps import Gaps
from coachwire.hub.polls import Polls
from coachwire.hub.repair import Repair
from coachwire.hub.views import Views
from coachwire.identity.auth import Authenticator
from coachwire.identity.jwks import KeySet
from coachwire.jobs import Jobs
from coachwire.jobs.erasing import Erasing
from coachwire.jobs.exporting import Exporting
from coachwire.jobs.retaining import Retaining
from coachwire.keys import (
    ACKS,
    AUTHENTICATOR,
    BLOBS,
    DATABASE,
    FANOUT,
    POLLS,
    PRESENCE,
    PROCESSING,
    READINESS,
    RUNNER,
    SETTINGS,
    SOCKETS,
)
from coachwire.migrate import check
from coachwire.notifications.notifying import Notifying
from coachwire.presence import Presence
from coachwire.presence.redis import PresenceExchange
from coachwire.presence.rights import PresenceRights
from coachwire.readiness import Readiness
from coachwire.request_log import log_requests
from coachwire.rest.cors import allow_origins
from coachwire.rest.problems import answer_problems
from coachwire.rest.receiving import RECEIVING, Receiving
from coachwire.rest.turns import TURNS, Turns, end_turns
from coachwire.roles import require_guarded, role_to_take
from coachwire.runner import Runner
from coachwire.sampling import Sampling
from coachwire.search.indexing import Indexing
from coachwire.settings import Settings, SettingsError
from coachwire.socket import SocketDoor
from coachwire.socket.acks import Acks
from coachwire.socket.arrival import Arrivals
from coachwire.socket.drain import drain
from coachwire.socket.heartbeat import beat
from coachwire.socket.intake import Intake
from coachwire.socket.patience import SILENT, note_request
from coachwire.socket.presence import PresenceDoor
from coachwire.socket.topic_rights import TopicRights
from coachwire.socket.topics import TopicDoor
from coachwire.streams import Streams
from coachwire.streams.ending_grants import EndingGrants
from coachwire.streams.partitions import keep_partitions, make_partitions
from coachwire.streams.pending import Pending
from coachwire.streams.telling import Telling
from coachwire.streams.topics import TopicStreams
from coachwire.topics import organization_of
from coachwire.unread import UnreadCounts

# Which versions run here is nobody's business; a request that cannot be parsed is answered past every hook.
web_response.SERVER_SOFTWARE = "coachwire"  # type: ignore[attr-defined] # aiohttp offers no setting for it


def init_app(settings: Settings) -> web.Application:
    """The application, not started. It needs a database and a secret in the settings."""
    app = web.Application(
        middlewares=[note_request, learn_address, log_requests, allow_origins, answer_problems, end_turns],
        client_max_size=rest.MAX_BODY,
    )
    app[SETTINGS] = settings
    app[READINESS] = Readiness()
    app[SILENT] = set()
    app[ADDRESS] = PublicAddress(settings)
    app[RECEIVING], app[TURNS] = Receiving(), Turns()
    app.add_routes(rest.routes)
    app.add_routes(
        [
            web.get("/v1/ws", _socket),
            web.get("/healthz", service.healthz),
            web.get("/readyz", service.readyz),
            *service.page_routes(),
        ]
    )
    app.cleanup_ctx.append(_parts)
    app.on_shutdown.append(drain)
    return app


async def _socket(request: web.Request) -> web.StreamResponse:
    return await request.app[SOCKETS].handle(request)


async def _parts(app: web.Application) -> AsyncIterator[None]:
    """Open what is to be opened, start what runs beside the handlers, and undo it in reverse."""
    settings = app[SETTINGS]
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set")
    database = Database(settings.database_url, await _look(settings.database_url))
    await database.open()
    try:
        async with database.connection() as tx:
            await require_guarded(tx)
        await make_partitions(database)
        bus = _bus(settings)
        hub, views = Hub(), Views()
        blobs = app[BLOBS] = await open_blobs(settings, app[ADDRESS])
        links = Links(blobs)
        streams, topic_streams = Streams(database, links), TopicStreams(database, links)
        unread = UnreadCounts(hub, database)
        presence = Presence()
        rights = PresenceRights(presence, database)

        def revoked(user_id: str) -> None:
            views.doubt_user(user_id)
            rights.doubt(user_id)

        def repaired(user_id: str) -> None:
            unread.changed(user_id)
            revoked(user_id)

        gaps = Gaps(hub, streams.read, changed=repaired)
        topic_gaps = Gaps(views, topic_streams.read)
        repair = Repair(hub, views, streams, bus)
        fanout = Fanout(hub, views, bus, doubt=repair.doubt, changed=unread.changed, revoked=revoked)
        runner = Runner(
            database,
            fanout,
            settings.rate_limit,
            timedelta(seconds=settings.edit_window),
            blobs,
            notifies=settings.notifies,
            push_key=None if settings.vapid is None else settings.vapid.public_key,
        )
        acks = Acks(database, fanout)
        telling = Telling(database, streams, topic_streams, fanout)
        pending = Pending(database, telling, fanout)
        retaining = Retaining(database, telling)
        exporting = Exporting(database, blobs, words_of_others=settings.export_words_of_others)
        keys = None if settings.jwks_url is None else KeySet(settings.jwks_url)
        authenticator = Authenticator(settings, database, keys)
        exchange = None if settings.redis_url is None else PresenceExchange(settings.redis_url, presence, bus)
        present = PresenceDoor(presence, exchange, runner)
        topics = TopicDoor(views, topic_streams, database, bus)
        topic_rights = TopicRights(views, database, topics)
        arrivals = Arrivals(database, streams, hub, fanout, present, topics, settings.rate_limit)
        sockets = SocketDoor(
            origins=settings.allowed_origins,
            readiness=app[READINESS],
            authenticator=authenticator,
            arrivals=arrivals,
            hub=hub,
            bus=bus,
            runner=runner,
            intake=Intake(authenticator, acks, present, topics),
            presence=present,
            topics=topics,
        )
        app[DATABASE], app[AUTHENTICATOR], app[RUNNER], app[SOCKETS] = (
            database,
            authenticator,
            runner,
            sockets,
        )
        app[FANOUT], app[ACKS], app[POLLS] = fanout, acks, Polls(streams, hub, bus)
        app[PRESENCE], app[PROCESSING] = present, Processing(database, blobs)
        sampling = Sampling(database, hub, views, bus, sockets.connections)

        def receive(channel: str, payload: bytes) -> None:
            organization_id = organization_of(channel)
            if organization_id is None:
                fanout.receive(channel, payload)
            elif exchange is not None:
                exchange.hint(organization_id)

        def gap() -> None:
            repair.doubt()
            if exchange is not None:
                exchange.doubt()

        retention = timedelta(seconds=settings.stream_retention)
        await repair.begin()
        await bus.start(receive, gap)
        notifying = Notifying(settings, database)
        loops = {
            "close_gaps": gaps.close,
            "close_topic_gaps": topic_gaps.close,
            "compare": repair.compare,
            "heartbeat": lambda: beat(sockets.connections, app[READINESS]),
            "unread": unread.run,
            "acks": acks.run,
            "presence": present.run,
            "presence_rights": rights.run,
            "erasures": Jobs(database, "erasure", Erasing(database, blobs, telling, fanout).step).run,
            "exports": Jobs(database, "export", exporting.step).run,
            "more_exports": Jobs(database, "export", exporting.step).run,  # beside one that takes long
            "retention_runs": Jobs(database, "retention", retaining.step).run,
            "topic_rights": topic_rights.run,
            "retention": retaining.run,
            "ending_grants": EndingGrants(database, telling).run,
            "search_index": Indexing(database).run,
            "pending": pending.work,
            "listen": pending.listen,
            "processing": app[PROCESSING].run,
            "sweeping": Sweeping(database, blobs).run,
            "partitions": lambda: keep_partitions(database, retention),
            "sampling": sampling.run,
            **notifying.loops,
        }
        if exchange is not None:
            loops["presence_exchange"] = exchange.run
        if keys is not None:
            loops["keys"] = keys.keep
        try:
            async with running_beside(loops):
                yield
        finally:
            await arrivals.close()
            await sockets.close()
            await topics.shut()
            await present.close()
            if exchange is not None:
                await exchange.close()
            if keys is not None:
                await keys.close()
            await runner.close()
            await notifying.close()
            await acks.write()
            sampling.look()
            await bus.close()
            await blobs.close()
    finally:
        await database.close()


def _bus(settings: Settings) -> Bus:
    if settings.redis_url is None:
        return InProcessBus()
    try:
        return redis_bus(settings.redis_url)
    except ValueError as error:
        raise SettingsError(f"REDIS_URL: {error}") from None


async def _look(dsn: str) -> str | None:
    """Returns the role to work with, when the schema is this code's."""
    import asyncpg

    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
    try:
        await check(connection)
        return await role_to_take(connection)
    finally:
        await connection.close(timeout=1)
