"""Counters that all workers share, so that any of them can tell the metrics of all."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["ROUTES", "Board", "Tally"]

ROUTES = (
    *("/", "/recommend", "/recommend/batch", "/similar", "/search", "/playlists", "/playlists/read", "/tracks"),
    *("/map", "/map/places", "/map/near", "/health", "/ready", "/metrics", "/openapi.json", "/docs", "/admin/reload"),
    "other",
)
CLASSES = ("2xx", "3xx", "4xx", "5xx")
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""

GAUGES = ("in_flight", "waiting")
COUNTS = ("batches", "batched")
PER_ROUTE = len(CLASSES) + len(BOUNDS) + 2
SLOT = len(ROUTES) * PER_ROUTE + len(GAUGES) + len(COUNTS)
SHARED = ("generation", "reloads", "reload_failures")
TEXT = 512


class Tally:
    """The counters of one worker, which alone writes them."""

    def __init__(self, values: npt.NDArray[np.float64]) -> None:
        self._routes = values[: len(ROUTES) * PER_ROUTE].reshape(len(ROUTES), PER_ROUTE)
        self.others = values[len(ROUTES) * PER_ROUTE :]
        self._place = {route: row for row, route in enumerate(ROUTES)}
        self.others[: len(GAUGES)] = 0  # those of a worker that ended here before

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a response."""
        row = self._routes[self._place.get(route, -1)]
        row[min(max(status // 100 - 2, 0), 3)] += 1
        row[len(CLASSES) + int(np.searchsorted(BOUNDS, seconds))] += 1
        row[-1] += seconds

    def gauge(self, name: str, change: float) -> None:
        """Raise or lower a gauge."""
        self.others[GAUGES.index(name)] += change

    def counted(self, batches: float, batched: float) -> None:
        """Set how many calls were made so far for how many requests."""
        self.others[len(GAUGES) :] += batches, batched


class Board:
    """Memory that is shared with the processes forked after it was made.

    Args:
        slots: workers that may write at one time.
    """

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, 8 * (len(SHARED) + slots * SLOT) + TEXT)
        values = np.frombuffer(self._memory, np.float64, len(SHARED) + slots * SLOT)
        self._shared, self._slots = values[: len(SHARED)], values[len(SHARED) :].reshape(slots, SLOT)
        self._text = np.frombuffer(self._memory, np.uint8, TEXT, 8 * len(values))

    def tally(self, slot: int) -> Tally:
        """The counters of one worker."""
        return Tally(self._slots[slot])

    def get(self, name: str) -> int:
        """``generation`` of the run that answers, ``reloads`` or ``reload_failures``."""
        return int(self._shared[SHARED.index(name)])

    def set(self, name: str, value: int) -> None:
        """Only the supervisor sets these."""
        self._shared[SHARED.index(name)] = value

    @property
    def trouble(self) -> str:
        """Why the last reload failed; empty where it did not."""
        return self._text.tobytes().rstrip(b"\0").decode(errors="replace")

    @trouble.setter
    def trouble(self, text: str) -> None:
        encoded = text.encode()[:TEXT]
        self._text[:] = np.frombuffer(encoded.ljust(TEXT, b"\0"), np.uint8)

    def prometheus(self) -> str:
        """All counters in Prometheus' text format."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        total = self._slots.sum(axis=0)
        routes = total[: len(ROUTES) * PER_ROUTE].reshape(len(ROUTES), PER_ROUTE)
        seen = [(name, row) for name, row in zip(ROUTES, routes) if row[: len(CLASSES)].any()]
        yield from _head("requests_total", "counter", "Responses, by route and class of status.")
        for name, row in seen:
            for status, n in zip(CLASSES, row):
                yield f'playlistrec_requests_total{{route="{name}",status="{status}"}} {n:.0f}'
        yield from _head("request_seconds", "histogram", "Time from a request's headers to the end of its response.")
        for name, row in seen:
            buckets = np.cumsum(row[len(CLASSES) : -1])
            for bound, n in zip((*BOUNDS, "+Inf"), buckets):
                yield f'playlistrec_request_seconds_bucket{{route="{name}",le="{bound}"}} {n:.0f}'
            yield f'playlistrec_request_seconds_sum{{route="{name}"}} {row[-1]:.6f}'
            yield f'playlistrec_request_seconds_count{{route="{name}"}} {buckets[-1]:.0f}'
        in_flight, waiting, batches, batched = total[len(ROUTES) * PER_ROUTE :]
        for name, kind, about, value in (
            ("in_flight", "gauge", "Requests that are being answered.", in_flight),
            ("waiting", "gauge", "Requests that wait to be scored.", waiting),
            ("batches_total", "counter", "Calls that scored requests together.", batches),
            ("batched_total", "counter", "Requests that were scored.", batched),
            (
                "generation",
                "gauge",
                "How many run folders have been taken, the present one included.",
                self.get("generation"),
            ),
            ("reloads_total", "counter", "Run folders taken while serving.", self.get("reloads")),
            ("reload_failures_total", "counter", "Run folders that could not be taken.", self.get("reload_failures")),
        ):
            yield from _head(name, kind, about)
            yield f"playlistrec_{name} {value:.0f}"


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP playlistrec_{name} {about}"
    yield f"# TYPE playlistrec_{name} {kind}"
