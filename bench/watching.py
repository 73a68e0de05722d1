"""The process that watches: plain sockets with one topic open, whose frames are counted and whose words are not read.

Reads one line of JSON (`Watch`) from standard input, connects, says `ready`, counts until a second line says how many
events there were, and answers with a line (`Seen`)."""

import os
import select
import socket
import sys
import time

import msgspec

TEXT, PING = 0x81, 0x89
LINGER = 10.0  # s after the end for what is still on its way
RECEIVE = 1 << 16


class Watch(msgspec.Struct, frozen=True):
    port: int
    tokens: tuple[str, ...]  # a socket each
    topic: str


class Seen(msgspec.Struct, frozen=True):
    """`last`: by event, when the last socket had it, by the clock that all processes share (`time.monotonic`)."""

    frames: int
    incomplete: int  # sockets that have not got every event
    last: list[float]


class Watcher:
    """One socket, in blocking mode until it is live."""

    def __init__(self, watch: Watch, token: str, device: str) -> None:
        self.events = 0
        self.socket = socket.create_connection(("127.0.0.1", watch.port))
        self._rest = b""
        self.socket.sendall(
            b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        while b"\r\n\r\n" not in self._rest:
            self._rest += self.socket.recv(RECEIVE)
        self._rest = self._rest.partition(b"\r\n\r\n")[2]
        self._say({"type": "hello", "token": token, "device": device, "topics": [{"topic": watch.topic}]})
        while not any(b'"topic.opened"' in frame for frame in self._frames(self.socket.recv(RECEIVE))):
            pass
        self.socket.setblocking(False)

    def take(self) -> int:
        """How many events have come."""
        return sum(frame.startswith(b'{"type":"event"') for frame in self._frames(self.socket.recv(RECEIVE)))

    def _frames(self, data: bytes) -> list[bytes]:
        if not data:
            raise ConnectionError("the server closed a socket")
        data = self._rest + data if self._rest else data
        frames, at, end = [], 0, len(data)
        while end - at >= 4:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            if start + length > end:
                break
            if data[at] == TEXT:
                frames.append(data[start : start + length])
            elif data[at] == PING:
                self.socket.send(b"\x8a\x80\0\0\0\0")
            else:
                raise ConnectionError(f"frame {data[at]:#x}: {data[start : start + length]!r}")
            at = start + length
        self._rest = data[at:]
        return frames

    def _say(self, frame: dict[str, object]) -> None:
        payload = msgspec.json.encode(frame)
        self.socket.sendall(b"\x81\xfe%b\0\0\0\0%b" % (len(payload).to_bytes(2, "big"), payload))


def main() -> None:
    watch = msgspec.json.decode(sys.stdin.buffer.readline(), type=Watch)
    watchers: dict[int, Watcher] = {}
    poll = select.epoll()
    for number, token in enumerate(watch.tokens):
        watcher = Watcher(watch, token, f"00000000-0000-4000-8000-{number:012x}")
        watchers[watcher.socket.fileno()] = watcher
        poll.register(watcher.socket, select.EPOLLIN)
    print("ready", flush=True)
    poll.register(0, select.EPOLLIN)
    wanted, deadline = -1, float("inf")
    frames = 0
    last: list[float] = []
    while time.monotonic() < deadline and frames != wanted * len(watchers):
        for descriptor, _ in poll.poll(0.1):
            if descriptor == 0:
                wanted, deadline = int(os.read(0, 100)), time.monotonic() + LINGER
                poll.unregister(0)
                continue
            watcher = watchers[descriptor]
            came = watcher.take()
            frames += came
            watcher.events += came
            if len(last) < watcher.events:
                last.extend([0.0] * (watcher.events - len(last)))
            now = time.monotonic()
            for event in range(watcher.events - came, watcher.events):
                last[event] = now
    incomplete = sum(watcher.events != wanted for watcher in watchers.values())
    print(msgspec.json.encode(Seen(frames, incomplete, last)).decode(), flush=True)


if __name__ == "__main__":
    main()
