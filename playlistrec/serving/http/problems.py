"""Faults of a request as RFC 9457 writes them: the status, and the command line's words."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from ...errors import ConfigError, DataError, PlaylistrecError

__all__ = ["MEDIA_TYPE", "Problem", "problem_of"]

MEDIA_TYPE = b"application/problem+json"

STATUS_OF: dict[type[PlaylistrecError], HTTPStatus] = {
    ConfigError: HTTPStatus.UNPROCESSABLE_ENTITY,
    DataError: HTTPStatus.NOT_FOUND,
}


class Problem(Exception):
    """A request that is refused, or cannot be answered.

    Args:
        detail: one line: the thing, the rule, the value.
        headers: further ones of the response.

    >>> Problem(404, "there is no playlist '9'").body()
    b'{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no playlist \\'9\\'"}'
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = HTTPStatus(status), detail, dict(headers or {})

    def body(self) -> bytes:
        """The problem document."""
        return msgspec.json.encode(
            {
                "type": "about:blank",
                "title": self.status.phrase,
                "status": int(self.status),
                "detail": " ".join(self.detail.split()),
            }
        )


def busy(detail: str) -> Problem:
    """The server has too much to do at this moment."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "1"})


def problem_of(error: PlaylistrecError) -> Problem:
    """An error of ours as a problem: options 422, things that the data does not have 404, damaged runs 500."""
    status = next((code for kind, code in STATUS_OF.items() if isinstance(error, kind)), 500)
    return Problem(status, error.on_command_line())
