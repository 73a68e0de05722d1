"""The contract for machines, made from the structs: OpenAPI for the routes, AsyncAPI for the socket."""

from .asyncapi import asyncapi
from .openapi import openapi

__all__ = ["asyncapi", "openapi"]
