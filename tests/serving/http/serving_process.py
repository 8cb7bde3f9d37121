"""A server as a user starts it: a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Answer", "Server", "serving"]


class Answer(NamedTuple):
    """A response: its JSON where it is some, else its text."""

    status: int
    headers: Mapping[str, str]
    content: Any


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.address = f"http://127.0.0.1:{port}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Answer:
        """One request on a connection of its own; a body that is neither bytes nor text is sent as JSON."""
        given = dict(headers or {})
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
            given.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            content = response.read()
            kind = response.headers.get("Content-Type", "")
            found = json.loads(content) if "json" in kind and "ndjson" not in kind and content else content
            return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, found)
        finally:
            connection.close()

    def recommend(self, **query: Any) -> Any:
        """What ``POST /recommend`` gives; it must succeed."""
        answer = self.ask("POST", "/recommend", query)
        assert answer.status == 200, answer.content
        return answer.content

    def until(self, path: str, status: int = 200, seconds: float = 120) -> Answer:
        """Ask until the status comes."""
        end = time.monotonic() + seconds
        while (answer := self.ask("GET", path)).status != status:
            assert time.monotonic() < end, answer
            time.sleep(0.1)
        return answer

    def end(self) -> int:
        """Ask the server to end, and wait for it."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def serving(run: Path, *options: object) -> Iterator[Server]:
    """A server of a run on a free port, ended afterwards."""
    command = [sys.executable, "-m", "playlistrec", "serve", str(run), "--port", "0", *map(str, options)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r":(\d+)$", line.strip())
        assert found is not None, (line, process.stderr.read() if process.stderr else "")
        yield Server(process, int(found[1]))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
