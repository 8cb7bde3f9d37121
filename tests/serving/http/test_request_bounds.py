"""What is too long, too slow, too much or not HTTP is turned away in words, and the server answers after."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from typing import Any

import pytest
import uvicorn
from serving_process import Server
from uvicorn.server import ServerState

from playlistrec.serving.http.protocol import BoundedProtocol
from playlistrec.serving.http.supervisor import listen

HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy")


def raw(server: Server, content: bytes, seconds: float = 60) -> bytes:
    """What comes back for bytes, until the server closes or has answered."""
    with socket.create_connection(("127.0.0.1", server.port), seconds) as connection:
        connection.sendall(content)
        found = b""
        while part := connection.recv(65_536):
            found += part
            if b"\r\n\r\n" in found and b"problem+json" in found and found.endswith(b"}"):
                break
        return found


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"HELLO\r\n\r\n", 400),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(6_000)), 431),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n\r\n", 421),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /page/..%2f..%2fapp.py HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /page/%2e%2e/app.py HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /playlists/%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ],
)
def test_what_is_no_request_for_anything_here(server: Server, content: bytes, status: int) -> None:
    answer = raw(server, content)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    problem = json.loads(body)
    assert problem["status"] == status
    assert b"Traceback" not in answer
    assert server.ask("GET", "/health").status == 200


def test_bodies_have_a_kind_and_a_bound(server: Server) -> None:
    kind = {"Content-Type": "application/json"}
    cases = (
        ("/recommend", "{}", {"Content-Type": "text/plain"}, 415),
        ("/recommend", "", kind, 400),
        ("/recommend", "[" * 100_000, kind, 422),
        ("/recommend", '{"k": ' + "9" * 5_000 + "}", kind, 422),
        ("/recommend", "[]", kind, 422),
        ("/recommend", "{}", kind, 422),
        ("/recommend", '{"tracks": "x"}', kind, 422),
        ("/recommend", '{"tracks": [], "path": "/etc/passwd"}', kind, 422),
        ("/recommend", '{"title": "x", "k": 1e3}', kind, 422),
        ("/recommend", '{"title": "x", "k": 201}', kind, 422),
        ("/recommend", json.dumps({"title": "x" * 501}), kind, 422),
        ("/recommend", json.dumps({"tracks": ["x"] * 2_001}), kind, 422),
        ("/recommend", '{"title": "\\ud800"}', kind, 400),
        ("/recommend", json.dumps({"title": "x" * 2**20}), kind, 413),
        ("/tracks", '{"tracks": [1]}', kind, 422),
        ("/recommend/batch", "{}\n" * 1_001, {"Content-Type": "application/x-ndjson"}, 422),
        ("/playlists/read?name=a.json", "[" * 100_000, {}, 422),
        ("/playlists/read?name=a.csv", "\0" * 1_000, {}, None),
    )
    for path, body, headers, status in cases:
        answer = server.ask("POST", path, body, headers)
        assert status is None or answer.status == status, (path, body[:40], answer)
        assert answer.status < 500
        assert b"Traceback" not in json.dumps(answer.content).encode()


def test_methods_and_addresses_that_are_not_there(server: Server) -> None:
    for method, path, status in (
        ("GET", "/recommend", 405),
        ("DELETE", "/playlists/1", 405),
        ("OPTIONS", "/recommend", 405),
        ("GET", "/docs/", 404),
        ("POST", "/admin/reload", 404),
        ("GET", "/search?k=x", 422),
        ("GET", "/search?k=0", 422),
        ("GET", "/search?q=" + "x" * 501, 422),
        ("GET", "/similar", 422),
        ("GET", "/similar?track=a&artist=b", 422),
        ("GET", "/similar?track=a&to=album", 422),
    ):
        answer = server.ask(method, path)
        assert answer.status == status, (method, path, answer)
        assert answer.content["status"] == status
        for header in HEADERS:
            assert header in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_the_body_of_a_response_does_not_wait_for_the_acknowledgement_of_its_head() -> None:
    """It would take 40 ms with Nagle's algorithm on one side and delayed acknowledgements on the other."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"x"})

    async def no_delay() -> int:
        config, state, loop = uvicorn.Config(application, lifespan="off"), ServerState(), asyncio.get_running_loop()
        config.load()
        listening = listen("127.0.0.1", 0)
        server = await loop.create_server(lambda: BoundedProtocol(config, state, {}, loop), sock=listening)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nx")).startswith(b"HTTP/1.1 200 ")
        (protocol,) = state.connections
        found = protocol.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        server.close()
        return int(found)

    assert asyncio.run(no_delay()) == 1


@pytest.mark.slow
def test_a_slow_request_is_ended(server: Server) -> None:
    """A head that trickles in for ever; others are answered meanwhile."""
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        began, answer = time.monotonic(), b""
        connection.settimeout(0.5)
        while time.monotonic() - began < 40 and not answer:
            connection.sendall(b"X: y\r\n")
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(4096)
            assert server.ask("GET", "/health").status == 200
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began > 5


def test_the_description_names_every_address_and_the_page_shows_it(server: Server) -> None:
    described = server.ask("GET", "/openapi.json").content
    assert described["openapi"] == "3.1.0"
    page = server.ask("GET", "/docs").content.decode()
    for path, methods in described["paths"].items():
        assert path in page
        for method in methods:
            answer = server.ask(method.upper(), path.replace("{pid}", "none"))
            assert answer.status != 405, (method, path)
            assert answer.status != 404 or "{pid}" in path or path == "/admin/reload"
    assert "http" not in page.replace("http-equiv", "")
