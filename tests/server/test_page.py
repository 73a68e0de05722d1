"""The page at `/`: what a browser is given, and what it is told not to do with it."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from coachwire.app import init_app
from coachwire.resources import folder
from coachwire.settings import S3, Settings

WEB = folder("web")
FILES = sorted(path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.is_file())
SCRIPTS = [name for name in FILES if name.endswith(".js")]
WORKER = "worker.js"  # runs by itself
VENDORED = [name for name in SCRIPTS if name.startswith("vendor/")]  # as their packages have them
MODULES = [name for name in SCRIPTS if name != WORKER and name not in VENDORED]
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "worker-src 'self'",
    "img-src 'self' data: blob: {files}",
    "media-src 'self' blob: {files}",
    "connect-src 'self' {files}",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
}
IMPORT = re.compile(r'^(?:import|export)\s[^"\'();]*\sfrom\s"([^"]+)";$', re.MULTILINE)
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


async def test_the_files_of_the_page_come_as_what_they_are_under_its_policy(
    http: ClientSession, url: str
) -> None:
    policy = {part.format(files=url) for part in POLICY}  # where files of messages lie
    for name in FILES:
        async with http.get("/" if name == "index.html" else f"/{name}") as answer:
            assert answer.status == 200, name
            assert answer.content_type == TYPES[PurePosixPath(name).suffix], name
            assert answer.headers["X-Content-Type-Options"] == "nosniff", name
            assert set(answer.headers["Content-Security-Policy"].split("; ")) == policy, name
            assert await answer.read() == (WEB / name).read_bytes(), name


async def test_the_page_shows_files_from_the_bucket(settings: Settings) -> None:
    s3 = S3(endpoint_url="https://s3.test", bucket="files", access_key_id="a", secret_access_key="b")
    async with (
        TestServer(init_app(replace(settings, s3=s3))) as server,
        ClientSession() as http,
        http.get(server.make_url("/")) as answer,
    ):
        assert (
            "img-src 'self' data: blob: https://s3.test; media" in answer.headers["Content-Security-Policy"]
        )


async def test_another_name_of_this_machine_leads_to_the_one_that_links_have(
    http: ClientSession, url: str
) -> None:
    port = url.rpartition(":")[2]
    async with http.get("/", headers={"Host": f"localhost:{port}"}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, url)
    async with http.get("/", headers={"Host": "gym.example"}, allow_redirects=False) as answer:
        assert answer.status == 200


async def test_only_the_files_of_the_page_are_served(http: ClientSession) -> None:
    for path in (
        "/index.html",
        "/../pyproject.toml",
        "/%2e%2e/pyproject.toml",
        "/view",
        "/view/",
        "/.git/config",
    ):
        async with http.get(path) as answer:
            assert answer.status == 404, path


def test_the_page_has_no_inline_script_or_style() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script\b(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style\b|\sstyle=|\son\w+=|javascript:", page) == []


def test_the_page_names_only_files_that_are_there() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    named = re.findall(r"""\b(?:src|href)="([^"]+)\"""", page)
    styles = {"/style.css", "/panes.css", "/pictures.css", "/body.css", "/vendor/uPlot.min.css"}
    assert set(named) == {"/favicon.svg", "/main.js", "/vendor/uPlot.iife.min.js"} | styles
    assert {name.lstrip("/") for name in named} <= set(FILES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_modules_that_are_there(name: str) -> None:
    assert set(imports(name)) <= set(MODULES)


def test_every_module_is_reached_from_the_first_one() -> None:
    reached, waiting = set[str](), ["main.js"]
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += imports(name)
    assert reached == set(MODULES)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_module_says_its_business_and_builds_no_markup_from_text(name: str) -> None:
    text = (WEB / name).read_text(encoding="utf-8")
    assert name in VENDORED or text.startswith("// ")
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
        == []
    )


@pytest.mark.parametrize(
    "name", [name for name in MODULES if "/" not in name and name not in {"main.js", "device.js"}]
)
def test_what_is_not_a_view_does_without_the_document(name: str) -> None:
    text = (WEB / name).read_text(encoding="utf-8")
    assert re.findall(r"\b(?:document|window|localStorage|sessionStorage)\b[.[(]", text) == []
    assert not any(imported.startswith("view/") for imported in imports(name))


def imports(name: str) -> list[str]:
    """The modules that this one names, as paths below web/."""
    text = (WEB / name).read_text(encoding="utf-8")
    assert "import(" not in text, f"{name} imports while it runs: this test would not see what"
    return [resolved(name, specifier) for specifier in IMPORT.findall(text)]


def resolved(name: str, specifier: str) -> str:
    assert specifier.startswith(("./", "../")), f"{name} imports {specifier} from elsewhere"
    parts = list(PurePosixPath(name).parent.parts)
    for part in PurePosixPath(specifier).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
