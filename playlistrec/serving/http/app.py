"""The addresses of a server, and what stands behind each."""

from __future__ import annotations

import hashlib
import os
import signal
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from ... import __version__
from .answers import Answers, as_json
from .board import Board, Tally
from .engine import Engine
from .guard import Guard
from .openapi import docs_page, schema
from .problems import Problem
from .settings import LIMITS, ServeOptions
from .track_map import MapAnswers, TrackMap

__all__ = ["application"]

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Server:
    """The state of the server itself, and the files of its page.

    Args:
        supervisor: the process that takes a newer run when it gets SIGHUP.
    """

    def __init__(self, engine: Engine, options: ServeOptions, board: Board, supervisor: int) -> None:
        self.engine, self.options, self.board, self._supervisor = engine, options, board, supervisor
        self.guard: Guard | None = None
        page = files("playlistrec.serving.http") / "page"
        self._files = {file.name: file.read_bytes() for file in page.iterdir() if file.name.rpartition(".")[2] in TYPES}
        history = engine.history
        self._about = {
            "version": __version__,
            "model": engine.service.model.name,
            "n_playlists": history.n_playlists,
            "n_tracks": history.n_tracks,
            "n_artists": history.n_artists,
            "limits": {"k": LIMITS.k, "tracks": LIMITS.tracks, "text": LIMITS.text, "body": LIMITS.body},
        }

    async def health(self, request: Request) -> Response:
        """``GET /health``"""
        trouble = self.board.trouble
        about = {"status": "ok", **self._about, "generation": self.board.get("generation")}
        return as_json({**about, "reload_error": trouble or None})

    async def ready(self, request: Request) -> Response:
        """``GET /ready``: whether new requests are welcome."""
        if self.guard is not None and self.guard.draining:
            raise Problem(503, "this process ends, and takes no more requests", {"Retry-After": "1"})
        return as_json({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """``GET /metrics``"""
        return Response(self.board.prometheus(), media_type="text/plain; version=0.0.4")

    async def openapi(self, request: Request) -> Response:
        """``GET /openapi.json``"""
        return as_json(schema())

    async def docs(self, request: Request) -> Response:
        """``GET /docs``"""
        return Response(docs_page(), media_type="text/html")

    async def reload(self, request: Request) -> Response:
        """``POST /admin/reload``: take the run folder as it is now."""
        if self.options.token is None:
            raise Problem(404, "there is no /admin/reload on a server without a token")
        os.kill(self._supervisor, signal.SIGHUP)
        response = as_json({"status": "reloading", "generation": self.board.get("generation")})
        response.status_code = 202
        return response

    async def page(self, request: Request) -> Response:
        """``GET /`` and ``GET /page/{name}``: the page, which lies in memory."""
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            raise Problem(404, "the page has no such file")
        content = self._files[name]
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=TYPES[name.rpartition(".")[2]], headers=headers)


def application(
    engine: Engine, options: ServeOptions, board: Board, tally: Tally, track_map: TrackMap, supervisor: int
) -> Guard:
    """The ASGI application of one worker."""
    answers, server = Answers(engine, tally), Server(engine, options, board, supervisor)
    maps = MapAnswers(engine, track_map)
    routes: list[tuple[str, str, Any]] = [
        ("POST", "/recommend", answers.recommend),
        ("POST", "/recommend/batch", answers.recommend_batch),
        ("GET", "/search", answers.search),
        ("GET", "/similar", answers.similar),
        ("POST", "/tracks", answers.tracks),
        ("POST", "/playlists/read", answers.read),
        ("GET", "/playlists/{pid}", answers.playlist),
        ("GET", "/map", maps.points),
        ("GET", "/map/near", maps.near),
        ("POST", "/map/places", maps.places),
        ("GET", "/health", server.health),
        ("GET", "/ready", server.ready),
        ("GET", "/metrics", server.metrics),
        ("GET", "/openapi.json", server.openapi),
        ("GET", "/docs", server.docs),
        ("POST", "/admin/reload", server.reload),
        ("GET", "/", server.page),
        ("GET", "/page/{name}", server.page),
    ]
    router = Router(
        [Route(path, endpoint, methods=[method]) for method, path, endpoint in routes], redirect_slashes=False
    )
    server.guard = Guard(router, options, tally)
    return server.guard
