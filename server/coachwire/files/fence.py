"""Landlock: from here on, this process and what it starts see the files that are named, and talk to nobody.

Where the kernel has none of it (before 5.13, or switched off) nothing happens: the other limits hold all the same."""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
NO_NEW_PRIVILEGES: Final = 38  # of prctl
VERSION, PATH_BENEATH = 1, 1

# By the version that brought them: files and folders; then moving between folders, truncating, ioctl.
FILES: Final = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
OF_A_FILE: Final = 0b111 | 1 << 14 | 1 << 15  # execute, write, read, truncate, ioctl
READ: Final = 0b1101  # execute, read a file, list a folder
TCP: Final = 0b11  # bind and connect; from version 4
SCOPES: Final = 0b11  # abstract sockets and signals to others; from version 6


def fence_in(*, readable: Iterable[str], writable: Iterable[str]) -> bool:
    """False where the kernel cannot. What is not there is left out. Raises `OSError` if it fails half way."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION))
    if version < 1:
        return False
    every = sum(bits for since, bits in FILES if version >= since)
    wanted = struct.pack("QQQ", every, TCP, SCOPES)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    rules = _asked(
        libc, libc.syscall(CREATE_RULESET, wanted, ctypes.c_size_t(len(wanted)), ctypes.c_uint32(0))
    )
    try:
        for paths, allowed in ((readable, READ), (writable, every)):
            for path in map(Path, paths):
                if path.exists():
                    _allow(libc, rules, path, allowed if path.is_dir() else allowed & OF_A_FILE & every)
        _asked(libc, libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _asked(libc, libc.syscall(RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0)))
    finally:
        os.close(rules)
    return True


def _allow(libc: ctypes.CDLL, rules: int, path: Path, allowed: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", allowed, descriptor)
        _asked(
            libc,
            libc.syscall(ADD_RULE, ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), rule, ctypes.c_uint32(0)),
        )
    finally:
        os.close(descriptor)


def _asked(libc: ctypes.CDLL, answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    return answer
