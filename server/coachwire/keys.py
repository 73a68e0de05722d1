"""What the handlers find in the application: typed keys, spelt once."""

from aiohttp import web

from coachwire.blobs import Blobs
from coachwire.database import Database
from coachwire.files.processing import Processing
from coachwire.hub.fanout import Fanout
from coachwire.hub.polls import Polls
from coachwire.identity.auth import Authenticator
from coachwire.readiness import Readiness
from coachwire.runner import Runner
from coachwire.settings import Settings
from coachwire.socket import SocketDoor
from coachwire.socket.acks import Acks
from coachwire.socket.presence import PresenceDoor

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
AUTHENTICATOR = web.AppKey("authenticator", Authenticator)
RUNNER = web.AppKey("runner", Runner)
FANOUT = web.AppKey("fanout", Fanout)
ACKS = web.AppKey("acks", Acks)
PRESENCE = web.AppKey("presence", PresenceDoor)
POLLS = web.AppKey("polls", Polls)
SOCKETS = web.AppKey("sockets", SocketDoor)
BLOBS: web.AppKey[Blobs] = web.AppKey("blobs")
PROCESSING = web.AppKey("processing", Processing)
READINESS = web.AppKey("readiness", Readiness)
