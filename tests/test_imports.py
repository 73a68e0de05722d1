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
    {"identity", "socket", "rest"},
    {"app"},
    {"__main__"},
)
RANKS = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
SERVER = {
    ".".join(file.relative_to(ROOT / "server").with_suffix("").parts).removesuffix(".__init__"): file
    for file in sorted((ROOT / "server" / "coachwire").rglob("*.py"))
}
OPERATIONS = [name for name in SERVER if name.startswith("coachwire.operations.")]
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


def ours(module: str) -> set[str]:
    """The server's modules that this one imports."""
    found = set()
    for name in imports(SERVER[module]):
        while name not in SERVER and "." in name:
            name = name.rpartition(".")[0]
        if name in SERVER and name not in (module, "coachwire"):
            found.add(name)
    return found


@cache
def rank(module: str) -> int:
    """Of the layer that names its package; a module of no layer belongs to the highest one that it imports from."""
    _, _, name = module.partition(".")
    part = name.split(".")[0]
    return RANKS[part] if part in RANKS else max((rank(other) for other in ours(module)), default=0)


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    upwards = {
        f"{module} imports {other}"
        for module in SERVER
        for other in ours(module)
        if rank(other) > rank(module)
    }
    assert upwards == set()


def test_operations_know_nothing_of_doors_hub_and_bus() -> None:
    forbidden = ("aiohttp", "redis", "hiredis", "coachwire.hub", "coachwire.bus")
    found = {
        f"{module} imports {name}"
        for module in OPERATIONS
        for name in imports(SERVER[module])
        if any(name == other or name.startswith(f"{other}.") for other in forbidden)
    }
    assert found == set()


def test_the_protocol_is_usable_alone() -> None:
    roots = {name.split(".")[0] for file in PROTOCOL for name in imports(file)}
    assert roots - sys.stdlib_module_names == {"msgspec", "coachwire_protocol"}
