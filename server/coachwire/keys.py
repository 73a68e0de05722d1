"""What the handlers find in the application: typed keys, spelt once."""

from aiohttp import web

from coachwire.auth import Authenticator
from coachwire.database import Database
from coachwire.operation import Runner
from coachwire.readiness import Readiness
from coachwire.settings import Settings
from coachwire.socket import SocketDoor

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
AUTHENTICATOR = web.AppKey("authenticator", Authenticator)
RUNNER = web.AppKey("runner", Runner)
SOCKETS = web.AppKey("sockets", SocketDoor)
READINESS = web.AppKey("readiness", Readiness)
