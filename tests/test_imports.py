"""Imports go one way, from the doors down to the protocol."""

import ast
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYERS = (
    {"settings", "resources"},
    {"database", "topics", "bus", "blobs"},
    {"streams", "hub", "operation", "runner"},
    {"operations"},
    {"auth", "socket", "rest"},
    {"app"},
    {"__main__"},
)
RANKS = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
SERVER = sorted((ROOT / "server" / "coachwire").glob("*.py"))
OPERATIONS = sorted((ROOT / "server" / "coachwire" / "operations").glob("*.py"))
REST = sorted((ROOT / "server" / "coachwire" / "rest").glob("*.py"))
PROTOCOL = sorted((ROOT / "protocol" / "coachwire_protocol").rglob("*.py"))


@cache
def imports(file: Path) -> frozenset[str]:
    """Dotted names, wherever in the file they are imported."""
    package = file.relative_to(ROOT).parts[1:-1]  # below the source roots, server/ and protocol/
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            origin = ".".join((*base, *([node.module] if node.module else [])))
            names |= {f"{origin}.{name.name}" for name in node.names}
    return frozenset(names)


def siblings(file: Path) -> set[str]:
    """The stems of the server's modules that this one imports."""
    return {name.split(".")[1] for name in imports(file) if name.startswith("coachwire.")}


@cache
def rank(stem: str) -> int:
    """A module that no layer names belongs to the highest one that it imports from."""
    file = ROOT / "server" / "coachwire" / f"{stem}.py"
    if stem in RANKS or not file.exists():
        return RANKS.get(stem, 0)
    return max((rank(sibling) for sibling in siblings(file)), default=0)


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    upwards = {
        f"{file.stem} imports {sibling}"
        for file in SERVER + OPERATIONS + REST
        for sibling in siblings(file)
        if rank(sibling) > rank(file.parent.name if file in OPERATIONS + REST else file.stem)
    }
    assert upwards == set()


def test_operations_know_nothing_of_doors_hub_and_bus() -> None:
    forbidden = ("aiohttp", "redis", "hiredis", "coachwire.hub", "coachwire.bus", "coachwire.fanout")
    found = {
        f"{file.stem} imports {name}"
        for file in OPERATIONS
        for name in imports(file)
        if any(name == other or name.startswith(f"{other}.") for other in forbidden)
    }
    assert found == set()


def test_the_protocol_is_usable_alone() -> None:
    roots = {name.split(".")[0] for file in PROTOCOL for name in imports(file)}
    assert roots - sys.stdlib_module_names == {"msgspec", "coachwire_protocol"}
