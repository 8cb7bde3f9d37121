"""The description of all addresses as OpenAPI 3.1, and the same as a page to read."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

import msgspec

from ... import __version__
from .requests import Named, RecommendRequest
from .settings import LIMITS

__all__ = ["docs_page", "schema"]

Schema = dict[str, Any]

TRACK: Schema = {
    "track_uri": {"type": "string"},
    "track_name": {"type": ["string", "null"]},
    "artist_name": {"type": ["string", "null"]},
}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


WARNINGS = _list({"type": "string"})
ITEM = _object({"rank": {"type": "integer"}, **TRACK, "score": {"type": "number"}, "because": {"type": "object"}})
LISTED = _object({**TRACK, "n_playlists": {"type": "integer"}})
ANSWER = _object({"query": {"type": "object"}, "cold": {"type": "boolean"}, "items": _list(ITEM), "warnings": WARNINGS})
HEALTH = _object({"status": {"type": "string"}, "model": {"type": "string"}, "n_tracks": {"type": "integer"}})
PLACE = _list({"type": "integer"})
K = ("k", {"type": "integer", "minimum": 1, "maximum": LIMITS.k, "default": 10}, "How many.")
TEXT = {"type": "string", "maxLength": LIMITS.text}
SIDE = {"type": "integer", "minimum": 0, "maximum": 65535}

OPERATIONS: tuple[tuple[str, str, str, list[tuple[str, Schema, str]], tuple[str, Any] | None, str, Schema], ...] = (
    ("post", "/recommend", "Recommend tracks for a playlist", [], ("application/json", RecommendRequest), "", ANSWER),
    (
        "post", "/recommend/batch",
        f"Recommend for up to {LIMITS.lines:,} playlists: a query a line, as a batch at the command line",
        [K, ("max_per_artist", {"type": "integer", "minimum": 1}, "At most so many tracks of an artist."),
         ("diversity", {"type": "number", "minimum": 0, "maximum": 1}, "0: the best; 1: the least alike."),
         ("popularity", {"type": "number", "minimum": -1, "maximum": 1}, "-1: the rarest first; 1: the most popular.")],
        ("application/x-ndjson", {"type": "string", "examples": ['{"id": 1, "tracks": ["uri", "uri"], "k": 5}\n']}),
        "application/x-ndjson", {"type": "string"},
    ),
    (
        "get", "/similar", "Tracks, artists or playlists like one of them: give one of track, artist, playlist",
        [("track", TEXT, "Like this track: uri or name."), ("artist", TEXT, "Like this artist: uri or name."),
         ("playlist", TEXT, "Like this playlist of the data."),
         ("to", {"enum": ["track", "artist", "playlist"]}, "What to find; the same kind if not given."), K],
        None, "", _object({"query": {"type": "object"}, "to": {"type": "string"}, "items": _list({"type": "object"})}),
    ),
    (
        "get", "/search", "Tracks, artists and titles of playlists that hold some letters",
        [("q", TEXT, "The letters."), K], None, "",
        _object({name: _list({"type": "object"}) for name in ("tracks", "artists", "playlists")}),
    ),
    ("post", "/tracks", "What is known of some tracks by uri", [], ("application/json", Named), "",
     _object({"items": _list(LISTED), "unknown": WARNINGS})),
    ("get", "/playlists/{pid}", "A playlist of the data, less what is hidden for a test",
     [("pid", TEXT, "Its id.")], None, "", _object({"pid": {"type": "string"}, "items": _list(LISTED)})),
    ("post", "/playlists/read", "Find the tracks of an exported file: m3u, pls, xspf, csv, json, txt, …",
     [("name", TEXT, "The file's name; its ending tells what it is."),
            ("title", TEXT, "Which playlist, where the file has several.")],
     ("application/octet-stream", {"type": "string"}), "", _object({"items": _list(LISTED), "warnings": WARNINGS})),
    ("get", "/map", "Places of all tracks: two little-endian 16-bit numbers each", [], None,
     "application/octet-stream", {"type": "string", "format": "binary"}),
    ("post", "/map/places", "Places of some tracks by uri", [], ("application/json", Named), "",
     _object({"places": _list({**PLACE, "type": ["array", "null"]})})),
    ("get", "/map/near", "The tracks nearest to a place on the map",
     [("x", SIDE, "From the left."), ("y", SIDE, "From the top."), K], None, "", _object({"items": _list(LISTED)})),
    ("get", "/health", "That the server lives, and what it serves", [], None, "", HEALTH),
    ("get", "/ready", "Whether new requests are welcome", [], None, "", _object({"status": {"type": "string"}})),
    ("get", "/metrics", "Counters for Prometheus", [], None, "text/plain", {"type": "string"}),
    ("post", "/admin/reload", "Take the run folder as it is now (servers with a token only)", [], None, "",
     _object({"status": {"type": "string"}, "generation": {"type": "integer"}})),
)  # fmt: skip


@cache
def schema() -> Schema:
    """The description, as ``/openapi.json`` gives it."""
    _, components = msgspec.json.schema_components(
        [RecommendRequest, Named], ref_template="#/components/schemas/{name}"
    )
    problem = _object(
        {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        }
    )
    paths: Schema = {}
    for method, path, summary, params, body, kind, found in OPERATIONS:
        operation: Schema = {
            "summary": summary,
            "operationId": f"{method}{path.replace('/', '_').replace('{', '').replace('}', '')}",
            "responses": {
                "202" if path == "/admin/reload" else "200": {
                    "description": "The answer.",
                    "content": {kind or "application/json": {"schema": found}},
                },
                "default": {
                    "description": "What is wrong with the request, in one line.",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                },
            },
        }
        if params:
            operation["parameters"] = [
                {
                    "name": name,
                    "in": "path" if f"{{{name}}}" in path else "query",
                    "description": about,
                    "schema": kinds,
                }
                | ({"required": True} if f"{{{name}}}" in path or name in ("x", "y") else {})
                for name, kinds, about in params
            ]
        if body:
            media, of = body
            content = of if isinstance(of, dict) else {"$ref": f"#/components/schemas/{of.__name__}"}
            operation["requestBody"] = {"required": True, "content": {media: {"schema": content}}}
        paths.setdefault(path, {})[method] = operation
    about = {
        "title": "playlistrec",
        "version": __version__,
        "summary": "Playlists in, the tracks that belong next out.",
    }
    secured = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": about,
        "paths": paths,
        "components": {"schemas": {**components, "Problem": problem}, "securitySchemes": secured},
        "security": [{}, {"token": []}],
    }


@cache
def docs_page() -> str:
    """The description as a page."""
    described = schema()
    parts = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            rows = [(p["name"], _kind(p["schema"]), p["description"]) for p in operation.get("parameters", ())]
            body = next(iter(operation.get("requestBody", {}).get("content", {}).items()), None)
            note = ""
            if body is not None:
                media, content = body[0], body[1]["schema"]
                note = f"<p>Body: <code>{media}</code></p>"
                name = content.get("$ref", "").rpartition("/")[2]
                fields = described["components"]["schemas"].get(name, {}).get("properties", {})
                rows += [(field, _kind(of), of.get("description", "")) for field, of in fields.items()]
            cells = "".join(
                f"<tr><th scope=row><code>{escape(name)}</code><td>{escape(kind)}<td>{escape(about)}"
                for name, kind, about in rows
            )
            table = (
                f"<table><thead><tr><th>field<th>kind<th>meaning</thead><tbody>{cells}</tbody></table>" if rows else ""
            )
            parts.append(
                f"<section><h2><span>{method.upper()}</span> <code>{escape(path)}</code></h2>"
                f"<p>{escape(operation['summary'])}.</p>{note}{table}</section>"
            )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>playlistrec: the addresses</title>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        '<link rel=stylesheet href="/page/style.css"><link rel=stylesheet href="/page/docs.css">'
        '<link rel=icon href="/page/icon.svg">'
        "<main><h1>The addresses of this server</h1>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a>. For people: <a href="/">the page</a>. '
        "An error is a problem document (RFC 9457) whose <code>detail</code> says in one line what to change.</p>"
        + "".join(parts)
        + "</main></html>"
    )


def _kind(schema: Schema) -> str:
    """A schema in a word or two."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    kind = str(schema.get("type", ""))
    if kind == "array":
        return f"list of {_kind(schema['items'])}"
    low, high = schema.get("minimum"), schema.get("maximum")
    return kind + (f", {low} to {high}" if high is not None else f" from {low}" if low is not None else "")
