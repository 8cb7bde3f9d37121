"""Ten thousand requests made from the server's own description, most of them wrong: none may hurt it."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from serving_process import Server, serving

REQUESTS = 10_000

TEXTS = (
    *(
        "",
        " ",
        "a",
        "\0",
        "\x1b[31m",
        "é",
        "\u202e",
        "🌴" * 40,
        "a" * 501,
        "%00",
        "../../etc/passwd",
        "/dev/zero",
        "C:\\x",
    ),
    *(
        "'; drop table tracks; --",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "null",
        "NaN",
        "-1",
        "1e999",
    ),
    *(
        "spotify:track:",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "\n\r\nX: y",
        "a - b",
        " - ",
        ".",
        "*",
        "(((((",
        "[a-",
    ),
)
NUMBERS = (0, 1, -1, 2, 200, 201, 2**31, 2**63, -(2**64), 10**30, 0.5, -0.5, 1e308, -1e-320, True)


class Maker:
    """Makes requests by the schema, and others near it."""

    def __init__(self, described: dict[str, Any], uris: list[str], seed: int) -> None:
        self.random, self.uris, self.schemas = random.Random(seed), uris, described["components"]["schemas"]
        self.operations = [
            (path, method.upper(), operation)
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ]

    def request(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        """Method, address, body and headers."""
        pick = self.random.choice
        path, method, operation = pick(self.operations)
        query = []
        for parameter in operation.get("parameters", ()):
            value = quote(self.text(parameter["schema"]), safe=pick(("", "/:&=")))
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", value)
            elif self.random.random() < 0.7:
                query.append(f"{parameter['name']}={value}")
        headers: dict[str, str] = {}
        body = None
        if "requestBody" in operation:
            kind, content = next(iter(operation["requestBody"]["content"].items()))
            headers["Content-Type"] = (
                kind if self.random.random() < 0.9 else pick(("text/plain", "a" * 300, "multipart/x"))
            )
            value = self.value(content["schema"])
            body = self.bent(value.encode() if isinstance(value, str) else json.dumps(value).encode())
        if self.random.random() < 0.05:
            method = pick(("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "POST", "GET"))
        if self.random.random() < 0.05:
            headers[pick(("Host", "Origin", "Authorization", "Accept", "Content-Encoding"))] = pick(
                ("evil.example", "gzip", "null", "Bearer " + "x" * 999, "*/*", "localhost:1")
            )
        return method, path + ("?" + "&".join(query) if query else ""), body, headers

    def text(self, schema: dict[str, Any]) -> str:
        value = self.value(schema)
        return value if isinstance(value, str) else json.dumps(value)

    def value(self, schema: dict[str, Any]) -> Any:
        """A value of a schema three times in four, any otherwise."""
        if self.random.random() < 0.25:
            return self.anything()
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return self.value(self.random.choice(schema["anyOf"]))
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        makers: dict[str, Callable[[], Any]] = {
            "object": lambda: {
                name: self.value(kind)
                for name, kind in schema.get("properties", {}).items()
                if self.random.random() < 0.5
            },
            "array": lambda: [self.value(schema["items"]) for _ in range(self.random.choice((0, 1, 2, 20)))],
            "string": lambda: self.random.choice((*TEXTS, *self.random.sample(self.uris, 20))),
            "integer": lambda: self.random.choice((1, 5, 10, *NUMBERS)),
            "number": lambda: self.random.choice(NUMBERS),
            "boolean": lambda: self.random.random() < 0.5,
            "null": lambda: None,
        }
        return makers[schema.get("type", "string")]()

    def anything(self) -> Any:
        pick = self.random.choice
        return pick((pick(TEXTS), pick(NUMBERS), None, [], {}, [[pick(TEXTS)]], {pick(TEXTS): pick(NUMBERS)}))

    def bent(self, body: bytes) -> bytes:
        """The body, cut or changed one time in eight."""
        if self.random.random() > 0.125 or not body:
            return body
        at = self.random.randrange(len(body))
        return self.random.choice(
            (
                body[:at],
                body[:at] + b"\xff\x00" + body[at:],
                body * 50,
                b"[" * 5_000 + body,
                body[::-1],
                b"\xef\xbb\xbf" + body,
            )
        )


@pytest.mark.slow
def test_hostile_requests_are_answered_and_the_server_lives(served_run: Path, uris: list[str]) -> None:
    with serving(served_run) as server:
        attack(server, uris)
        assert server.end() == 0
        assert server.process.stderr is not None
        assert server.process.stderr.read() == "", "nothing is written of requests"


def attack(server: Server, uris: list[str]) -> None:
    server.until("/map")
    expected = server.recommend(tracks=uris[:3])["items"]
    maker = Maker(server.ask("GET", "/openapi.json").content, uris, seed=0)
    statuses: dict[int, int] = {}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(REQUESTS):
        method, path, body, headers = maker.request()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except http.client.HTTPException as error:
            raise AssertionError((method, path, body, headers)) from error
        except (ConnectionError, ValueError):  # the client refuses to send that, or the server closed it
            connection.close()
            continue
        statuses[response.status] = statuses.get(response.status, 0) + 1
        assert response.status < 500, (method, path, body, headers, content)
        assert b"Traceback" not in content
        if response.status >= 400 and method != "HEAD":
            assert response.headers["Content-Type"] == "application/problem+json", (method, path)
            assert json.loads(content)["status"] == response.status
    assert sum(statuses.values()) > 0.95 * REQUESTS
    assert {200, 404, 405, 415, 421, 422} <= set(statuses), statuses
    assert server.recommend(tracks=uris[:3])["items"] == expected
