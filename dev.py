#!/usr/bin/env python3
"""Sets Coachwire up in .venv, and runs it or its tests. Needs nothing but Python and its venv module.

python3 dev.py               set up, then run everything, with demo data (the rest goes to `coachwire dev`)
python3 dev.py test [...]    set up, then ruff, mypy and pytest (the rest goes to pytest)
python3 dev.py setup         set up only: .venv with `coachwire` in it
python3 dev.py lock [...]    renew the lock files after a change of pyproject.toml (--upgrade: all versions)
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
STAMP = VENV / "set-up"  # what .venv was made from. Written last: a .venv without it is half-made
RUN, TEST, BUILD = "requirements.lock", "requirements-test.lock", "requirements-build.lock"
BROWSER = "requirements-browser.lock"  # large, and of use only where there is a browser to drive
LOCKS = {
    RUN: ["pyproject.toml"],
    TEST: ["pyproject.toml", "--group=test", f"--constraint={RUN}"],
    BUILD: ["--group=build", f"--constraint={TEST}"],
    BROWSER: ["--group=browser", f"--constraint={TEST}"],
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHECKS = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])


def main(arguments: "list[str]") -> int:
    command, *rest = arguments or ["dev"]
    if command not in ("dev", "test", "setup", "lock"):
        print(__doc__)
        return 0 if command in ("-h", "--help") else 2
    os.chdir(ROOT)
    os.environ.setdefault("UV_SYSTEM_CERTS", "true")  # then uv trusts the system's certificates, as pip does
    set_up(TEST if command == "test" else RUN)
    if command == "test":
        return test(rest)
    if command == "lock":
        return lock(rest)
    if command == "dev":
        os.execv(PYTHON, [PYTHON, "-m", "coachwire", "dev", *rest])  # ctrl-C goes there, not here
    return 0


def set_up(lock: str) -> None:
    """Makes .venv what the lock files say, unless it is that already. The tests' packages stay once there."""
    version = sys.version.split()[0]
    files = [ROOT / name for name in (*LOCKS, "pyproject.toml")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    found = STAMP.read_text().split() if STAMP.exists() else []
    wanted = [TEST if TEST in found else lock]
    if wanted == [TEST] and any(map(shutil.which, BROWSERS)):
        wanted.append(BROWSER)
    if found == [version, digest, *wanted]:
        return
    if found[:1] != [version]:
        make_venv()
    STAMP.unlink(missing_ok=True)
    say(f"installing what {' and '.join(wanted)} list" + "s" * (len(wanted) == 1))
    uv("sync", "--require-hashes", "--only-binary=:all:", BUILD, *wanted)
    uv("install", "--offline", "--no-deps", "--no-build-isolation", "--editable=.")
    STAMP.write_text(" ".join([version, digest, *wanted]) + "\n")


def make_venv() -> None:
    try:
        import venv
        from ensurepip import version  # noqa: F401 - Debian keeps it in a package of its own
    except ImportError:
        package = "python{}.{}-venv".format(*sys.version_info)
        sys.exit(f"Python's venv module is not whole. On Debian and Ubuntu: apt-get install {package}")
    say("making .venv")
    try:
        if VENV.exists():
            shutil.rmtree(VENV)
        venv.create(VENV, with_pip=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{VENV} cannot be made: {error}")
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--only-binary=:all:", f"--requirement={BUILD}"])


def test(arguments: "list[str]") -> int:
    """Everything is run whatever fails, pytest last: its closing line is the last one when all is well. Two processes
    take test files in turn, each with servers of its own (-n0: one, for a debugger)."""
    failed = [check for check in CHECKS if subprocess.run([PYTHON, "-m", *check]).returncode != 0]
    status = subprocess.run([PYTHON, "-m", "pytest", "-n2", "--dist=loadfile", *arguments]).returncode
    for check in failed:
        say(f"{' '.join(check)} failed, see above")
    return status or len(failed)


def lock(arguments: "list[str]") -> int:
    """No address gets in: hashes say what a package is, wherever it comes from."""
    for name, sources in LOCKS.items():
        options = ["--universal", "--python-version=3.11", "--only-binary=:all:", "--generate-hashes"]
        options += ["--quiet", "--custom-compile-command=python3 dev.py lock", f"--output-file={name}"]
        uv("compile", *options, *arguments, *sources)
    return 0


def uv(command: str, *arguments: str) -> None:
    target = [] if command == "compile" else ["--quiet", f"--python={PYTHON}"]
    run([str(VENV / "bin" / "uv"), "pip", command, *target, *arguments])


def run(command: "list[str]") -> None:
    done = subprocess.run(command)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")


def say(line: str) -> None:
    print(f"dev.py: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit("Coachwire needs Python {}.{} or newer, this is {}.{}".format(*OLDEST, *sys.version_info))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
