"""The reference at /docs: everything that the documents say, on a page that loads nothing from elsewhere."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import ClientSession
from coachwire.reference import reference
from coachwire.reference.examples import Examples
from coachwire.reference.markup import el, prose
from coachwire_protocol.documents import asyncapi, openapi

OPENAPI, ASYNCAPI = openapi(), asyncapi()
PAGE = reference(OPENAPI, ASYNCAPI)
VOID = {"meta", "link", "br"}


class Read(HTMLParser):
    """Names to link to, links, and whether every element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.feed(PAGE)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_page_comes_under_a_policy_that_lets_nothing_run(http: ClientSession) -> None:
    async with http.get("/docs") as answer:
        assert answer.status == 200
        assert (answer.content_type, answer.charset) == ("text/html", "utf-8")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
        assert await answer.text() == PAGE
        tag = answer.headers["ETag"]
    async with http.get("/docs", headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")


async def test_whatever_it_links_to_on_this_server_is_there(http: ClientSession) -> None:
    for link in {link for link in Read().links if link.startswith("/")}:
        async with http.get(link) as answer:
            assert answer.status == 200, link


def test_it_is_whole_and_all_its_links_lead_somewhere() -> None:
    page = Read()
    assert page.open == []
    assert "script" not in page.tags
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)
    assert [link for link in page.links if "//" in link] == []


def test_every_operation_request_event_field_and_error_is_on_it() -> None:
    missing = {name for name in words() if f">{name}<" not in PAGE}
    assert missing == set()


def test_every_close_code_is_on_it() -> None:
    codes = ASYNCAPI["channels"]["socket"]["x-close-codes"]
    assert [one for one in codes if f"<code>{one['code']}</code>" not in PAGE] == []


@pytest.mark.parametrize("document", [OPENAPI, ASYNCAPI], ids=["routes", "socket"])
def test_the_examples_are_as_their_schemas_say(document: dict[str, Any]) -> None:
    examples = Examples(document)
    for name in document["components"]["schemas"]:
        check(examples, document, {"$ref": f"#/components/schemas/{name}"})
    for message in document["components"].get("messages", {}).values():
        check(examples, document, message["payload"])


def test_text_goes_in_as_text() -> None:
    assert el("p", '<b> & "', prose("a `<i>` b"), class_='"') == (
        '<p class="&quot;">&lt;b&gt; &amp; "a <code>&lt;i&gt;</code> b</p>'
    )


def check(examples: Examples, document: dict[str, Any], schema: dict[str, Any]) -> None:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    validator = jsonschema_rs.validator_for(whole | {"components": document["components"]})
    validator.validate(json.loads(json.dumps(examples.of(schema))))


def words() -> Iterator[str]:
    """What stands alone in an element of the page."""
    for path, item in OPENAPI["paths"].items():
        yield path
        yield from (operation["operationId"] for operation in item.values())
    for response in OPENAPI["components"]["responses"].values():
        yield from re.findall(r"^`(\w+)`", response["description"], re.MULTILINE)
    for name in ASYNCAPI["components"]["messages"]:
        yield re.sub(r"^(event|signal|notice|topic(?=\.opened|\.closed))\.", "", name)
    yield from OPENAPI["webhooks"]
    for document in (OPENAPI, ASYNCAPI):
        for schema in document["components"]["schemas"].values():
            yield from schema.get("properties", {})
