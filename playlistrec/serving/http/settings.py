"""How a server serves, and the bounds of what it takes."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ...config import require
from ...errors import ConfigError, Hint

__all__ = ["LIMITS", "Limits", "ServeOptions"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on one request, and on all of them together.

    Attributes:
        body: bytes of a body.
        head: bytes of a request's line and headers.
        k: tracks of one list.
        tracks: seed tracks, tracks to leave out, or artists to leave out, of one request.
        text: characters of a name, a title or a text that is searched for.
        lines: queries of one batch.
        head_seconds, seconds: time for the headers to arrive, and for the whole of a request.
        waiting: requests that wait to be answered, by each worker; one more is turned away.
        together: requests that are scored together.
        scores: bytes of the scores of such a batch. C's allocator keeps blocks of up to 32 MB for the next batch; to
            get larger ones from the system each time took a quarter of a batch's processor time.
        connections: open connections, by each worker.
    """

    body: int = 2**20
    head: int = 2**15
    k: int = 200
    tracks: int = 2_000
    text: int = 500
    lines: int = 1_000
    head_seconds: float = 10
    seconds: float = 20
    waiting: int = 256
    together: int = 64
    scores: int = 2**25
    connections: int = 1_000


LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Options of a server.

    Attributes:
        host, port: where it listens; port 0 is any that is free.
        workers: processes that answer.
        token: what a request must present; None: nobody need, and nothing but loopback is listened on.
        allowed_hosts: further names by which requests may call the server, those of a reverse proxy for instance.
        watch: True if a changed run folder is taken by itself.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    watch: bool = False

    def __post_init__(self) -> None:
        require(0 <= self.port < 2**16, "port", "between 0 and 65535", self.port)
        require(1 <= self.workers <= 64, "workers", "between 1 and 64", self.workers)
        if self.token is None and not is_loopback(self.host):
            raise ConfigError(
                f"host must be a loopback address where no token is asked for (got {self.host!r})",
                Hint("give a file that holds one with {token_file}", {"token_file": None}),
            )
        require(self.token is None or len(self.token) >= 16, "token", "at least 16 characters", "fewer")

    @property
    def names(self) -> frozenset[str]:
        """The names by which a request may call the server, in lower case."""
        own = {self.host} if self.host not in ("0.0.0.0", "::") else set()
        return frozenset(name.lower() for name in {"localhost", "127.0.0.1", "::1", *own, *self.allowed_hosts})


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
