"""HTML as a tree: text goes in as text and is escaped, elements stay elements."""

import re
from collections.abc import Iterable
from html import escape
from typing import TypeAlias

VOID = frozenset({"meta", "link", "br"})


class Markup(str):
    """Safe as it is: made by `el` or `code`, nowhere else."""

    __slots__ = ()


Content: TypeAlias = "str | Markup | Iterable[Content] | None"


def el(tag: str, *content: Content, **attributes: str | None) -> Markup:
    """An element. `class_` is `class`; an attribute that is None is left out."""
    names = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{names}>" if tag in VOID else f"<{tag}{names}>{_inside(content)}</{tag}>")


def prose(text: str) -> Markup:
    """A text in which `words` in backticks are code."""
    parts = re.split(r"`([^`]+)`", text)
    return Markup(
        "".join(el("code", part) if place % 2 else escape(part) for place, part in enumerate(parts))
    )


def anchor(*parts: str) -> str:
    """A name to link to."""
    return "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)


def _inside(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return escape(content, quote=False)
    return "".join(map(_inside, content))
