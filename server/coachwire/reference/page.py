"""The page at /docs, from the documents at /openapi.json and /asyncapi.json."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from coachwire.reference.examples import Examples
from coachwire.reference.markup import Content, Markup, anchor, el, prose
from coachwire.reference.shapes import limits_of, table, type_of

Document = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
SHAPES = "shapes"


def reference(openapi: Document, asyncapi: Document) -> str:
    """A whole page; everything that it shows stands in the documents."""
    rest, socket = Rest(openapi), Socket(asyncapi)
    schemas = dict(sorted((asyncapi["components"]["schemas"] | openapi["components"]["schemas"]).items()))
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("title", "Coachwire: reference"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("link", rel="icon", href="/favicon.svg", type="image/svg+xml"),
        el("link", rel="stylesheet", href="/docs.css"),
    )
    body = el(
        "body",
        el("nav", _contents(rest, socket, schemas), class_="contents", aria_label="Contents"),
        el(
            "main",
            _introduction(openapi),
            el("h2", "REST", id="rest"),
            rest.sections(),
            el("h2", "Socket", id="socket"),
            socket.sections(),
            el("h2", "Shapes", id=SHAPES),
            (_shape(name, schema, schemas) for name, schema in schemas.items()),
        ),
    )
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


class Rest:
    """The routes, by noun."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._schemas = document["components"]["schemas"]
        self._examples = Examples(document)
        self.by_tag: dict[str, list[tuple[str, str, Document]]] = {}
        for path, item in document["paths"].items():
            for method in METHODS:
                if operation := item.get(method):
                    self.by_tag.setdefault(operation["tags"][0], []).append((method, path, operation))
        for name, item in document.get("webhooks", {}).items():
            self.by_tag.setdefault("webhooks", []).append(("post", name, item["post"]))

    def sections(self) -> Iterator[Content]:
        for tag, operations in self.by_tag.items():
            yield el("h3", tag.capitalize().replace("-", " "), id=anchor("rest", tag))
            for method, path, operation in operations:
                yield self._operation(method, path, operation)

    def _operation(self, method: str, path: str, operation: Document) -> Markup:
        description: str = operation.get("description", "")
        summary = operation["summary"]
        return el(
            "section",
            el(
                "h4",
                el("span", method.upper(), class_=f"method {method}"),
                " ",
                el("code", path),
                id=anchor(operation["operationId"]),
            ),
            el("p", prose(description if description.startswith(summary) else summary)),
            el("p", prose(description)) if description and not description.startswith(summary) else None,
            self._parameters(operation),
            self._body(operation),
            self._answers(operation),
            class_="operation",
        )

    def _parameters(self, operation: Document) -> Content:
        rows = [self._parameter(self._resolved(one)) for one in operation.get("parameters", ())]
        if not rows:
            return None
        head = el("tr", *(el("th", name, scope="col") for name in ("Parameter", "Type", "What it is")))
        return el("table", el("thead", head), el("tbody", rows))

    def _parameter(self, parameter: Document) -> Markup:
        schema = parameter["schema"]
        said = "; ".join([parameter.get("description", "").rstrip("."), *limits_of(schema)])
        if schema.get("default") is not None:
            said += f"; without it `{json.dumps(schema['default'])}`"
        mark = None if parameter.get("required") else el("span", "optional", class_="optional")
        place = el("span", f"in the {parameter['in']}", class_="optional")
        return el(
            "tr",
            el("th", el("code", parameter["name"]), place, mark, scope="row"),
            el("td", type_of(schema)),
            el("td", prose(said)),
        )

    def _body(self, operation: Document) -> Content:
        if "requestBody" not in operation:
            return None
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return [el("h5", "Body"), table(schema, self._schemas), _example(self._examples.of(schema))]

    def _answers(self, operation: Document) -> Content:
        answers = [(status, self._resolved(one)) for status, one in sorted(operation["responses"].items())]
        good = [(status, one) for status, one in answers if status < "400"]
        bad = [(status, one) for status, one in answers if status >= "400"]
        return [
            el("h5", "Answers"),
            [self._answer(status, answer) for status, answer in good],
            _refusals(bad),
        ]

    def _answer(self, status: str, answer: Document) -> Content:
        content = answer.get("content", {})
        schema = next((one["schema"] for one in content.values() if "schema" in one), None)
        data = (schema or {}).get("properties", {}).get("data")
        shown = data if data is not None else schema
        return [
            el("p", el("strong", status), " ", prose(answer["description"]),
               [" ", type_of(shown)] if shown is not None and "$ref" in shown else None),
            _example(self._examples.of(schema)) if schema is not None and "text/html" not in content else None,
        ]  # fmt: skip

    def _resolved(self, one: Document) -> Document:
        """What a reference within `components` leads to."""
        if "$ref" not in one:
            return one
        _, _, kind, name = one["$ref"].split("/")
        found: Document = self._document["components"][kind][name]
        return found


class Socket:
    """Frames: what a client says and is answered, and what it hears unasked."""

    def __init__(self, document: Document) -> None:
        self._schemas = document["components"]["schemas"]
        self._messages = document["components"]["messages"]
        self._examples = Examples(document)
        self.channel = document["channels"]["socket"]
        operations = document["operations"]
        self.asked = {name: one for name, one in operations.items() if one["action"] == "receive"}
        self.told = {name: one for name, one in operations.items() if one["action"] == "send"}

    def sections(self) -> Iterator[Content]:
        yield el("p", el("code", f"GET {self.channel['address']}"))
        text, _, _ = self.channel["description"].partition("Closed by code")
        for paragraph in text.strip().split("\n\n"):
            yield el("p", prose(paragraph.replace("\n", " ")))
        yield el("h3", "Requests", id="requests")
        for name, operation in self.asked.items():
            yield self._request(name, operation)
        for name, operation in self.told.items():
            yield el("h3", name.capitalize(), id=anchor("told", name))
            yield el("p", prose(operation["summary"]))
            for message in map(_last, operation["messages"]):
                yield self._told(message)
        yield el("h3", "Close codes", id="close-codes")
        yield self._close_codes()

    def _request(self, name: str, operation: Document) -> Markup:
        payload = self._messages[name]["payload"]
        answers = [_last(one) for one in operation["reply"]["messages"]]
        return el(
            "section",
            el("h4", el("code", name), id=anchor("request", name)),
            el("p", prose(operation["summary"])),
            table(payload, self._schemas),
            _example(self._examples.of(payload)),
            el("h5", "Answers"),
            (self._answer(answer) for answer in answers),
            class_="operation",
        )

    def _answer(self, name: str) -> Content:
        if name == "error":
            return el("p", "or ", el("a", el("code", "error"), href=f"#{anchor('shape', 'ErrorFrame')}"), ".")
        message = self._messages[name]
        return [
            el("p", el("code", name), " ", prose(message["summary"])),
            _example(self._examples.of(message["payload"])),
        ]

    def _told(self, name: str) -> Markup:
        message = self._messages[name]
        return el(
            "section",
            el("h4", el("code", name.partition(".")[2] or name), id=anchor("told", name)),
            el("p", prose(message["summary"])),
            table(message["payload"], self._schemas),
            _example(self._examples.of(message["payload"])),
            class_="operation",
        )

    def _close_codes(self) -> Markup:
        head = el("tr", *(el("th", name, scope="col") for name in ("Code", "Why", "Then")))
        rows = [
            el(
                "tr",
                el("th", el("code", str(one["code"])), scope="row"),
                el("td", one["reason"]),
                el("td", "come back and resume" if one["reconnect"] else "do not come back by yourself"),
            )
            for one in self.channel["x-close-codes"]
        ]
        return el("table", el("thead", head), el("tbody", rows))


def _introduction(openapi: Document) -> Content:
    info = openapi["info"]
    return [
        el("h1", "Coachwire: reference"),
        el("p", info["summary"]),
        el("p", prose(info["description"])),
        el(
            "p",
            "The same for machines: ",
            el("a", "/openapi.json", href="/openapi.json"),
            ", ",
            el("a", "/asyncapi.json", href="/asyncapi.json"),
            ".",
        ),
    ]


def _contents(rest: Rest, socket: Socket, schemas: Iterable[str]) -> Content:
    def links(items: Iterable[tuple[str, str]]) -> Markup:
        return el("ul", (el("li", el("a", words, href=f"#{name}")) for words, name in items))

    return [
        el("p", el("a", "REST", href="#rest")),
        [
            el(
                "details",
                el("summary", tag.capitalize().replace("-", " ")),
                links((one["operationId"], anchor(one["operationId"])) for _, _, one in operations),
                open="",
            )
            for tag, operations in rest.by_tag.items()
        ],
        el("p", el("a", "Socket", href="#socket")),
        el(
            "details",
            el("summary", "Requests"),
            links((name, anchor("request", name)) for name in socket.asked),
            open="",
        ),
        links((name.capitalize(), anchor("told", name)) for name in socket.told),
        links([("Close codes", "close-codes")]),
        el("p", el("a", "Shapes", href=f"#{SHAPES}")),
        el("details", el("summary", "All shapes"), links((name, anchor("shape", name)) for name in schemas)),
    ]  # fmt: skip


def _shape(name: str, schema: Document, schemas: Mapping[str, Document]) -> Markup:
    fields = table(schema, schemas)
    limits = limits_of(schema)
    plain = el("p", type_of(schema), ": " if limits else None, prose("; ".join(limits)))
    description = schema.get("description")
    return el(
        "section",
        el("h4", name, id=anchor("shape", name)),
        el("p", prose(description)) if description else None,
        plain if fields is None else fields,
        class_="shape",
    )


def _refusals(answers: Sequence[tuple[str, Document]]) -> Content:
    """One line an error: its status, its code, what it means."""
    rows = [
        el("tr", el("th", status, scope="row"), el("td", prose(line)))
        for status, answer in answers
        for line in answer["description"].splitlines()
    ]
    if not rows:
        return None
    summary = el("summary", "Refusals: ", " ".join(sorted({status for status, _ in answers})))
    return el("details", summary, el("table", el("tbody", rows)), open="")


def _example(value: object) -> Markup:
    return el("pre", el("code", json.dumps(value, indent=2, ensure_ascii=False)))


def _last(reference: Document) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name
