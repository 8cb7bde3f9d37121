"""How many requests a server answers, how soon, and in how much memory.

    python benchmarks/serving.py RUN [--workers N] [--seconds S] [--clients 1,2,4,8,16,32,64] [--rates 100,200,400]
        [--minutes M] [--record TABLE]
    python benchmarks/serving.py --make FOLDER [--tracks N] [--playlists N]     # data and a run to serve

A closed loop has a number of clients that ask again as soon as they have an answer. An open loop sends requests at
times drawn from a Poisson process, whether or not those before were answered, and counts from the drawn time
(Schroeder, Wierman & Harchol-Balter 2006): the waiting of a server that cannot keep up shows. Each request asks for 10
tracks after 20 seeds, drawn by popularity. Clients run in a process of their own, on the same machine. Nothing is
measured before the map of tracks is drawn, which takes the server's time as well.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import platform
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from records import Recorder, add_record

SEEDS, K, BODIES = 20, 10, 2_000


def bodies(run: Path) -> list[bytes]:
    """Requests as they go over the wire."""
    from playlistrec.experiment.runs import Run

    corpus = Run.load(run).data.corpus
    weights = corpus.popularity / corpus.popularity.sum()
    uris = np.array(corpus.track_table["uri"].to_pylist(), dtype=object)
    rng = np.random.default_rng(0)
    requests = []
    for rows in rng.choice(len(uris), (BODIES, SEEDS), p=weights):
        body = json.dumps({"tracks": uris[rows].tolist(), "k": K}).encode()
        head = "POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        requests.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return requests


class Client:
    """A connection that is kept."""

    @classmethod
    async def to(cls, port: int) -> Client:
        made = cls()
        made.reader, made.writer = await asyncio.open_connection("127.0.0.1", port)
        return made

    async def ask(self, request: bytes) -> int:
        """The status of the response, which is read to its end."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length is not None
        await self.reader.readexactly(int(length[1]))
        self.kept = b"connection: close" not in head.lower()
        return int(head[9:12])


async def closed(port: int, requests: list[bytes], clients: int, seconds: float) -> tuple[list[float], dict[int, int]]:
    """Seconds of each request, and how many had each status."""
    times: list[float] = []
    statuses: dict[int, int] = {}
    end = time.perf_counter() + seconds

    async def one(number: int) -> None:
        client = await Client.to(port)
        rng = np.random.default_rng(number)
        while (began := time.perf_counter()) < end:
            status = await client.ask(requests[rng.integers(len(requests))])
            times.append(time.perf_counter() - began)
            statuses[status] = statuses.get(status, 0) + 1

    await asyncio.gather(*(one(number) for number in range(clients)))
    return times, statuses


async def opened(port: int, requests: list[bytes], rate: float, seconds: float) -> tuple[list[float], dict[int, int]]:
    """As :func:`closed`, for requests that come at a rate."""
    rng = np.random.default_rng(1)
    times: list[float] = []
    statuses: dict[int, int] = {}
    free: list[Client] = []

    async def one(due: float, request: bytes) -> None:
        client = free.pop() if free else await Client.to(port)
        status = await client.ask(request)
        times.append(time.perf_counter() - due)
        statuses[status] = statuses.get(status, 0) + 1
        if client.kept:
            free.append(client)

    due, end, tasks = time.perf_counter(), time.perf_counter() + seconds, []
    while due < end:
        due += rng.exponential(1 / rate)
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, requests[rng.integers(len(requests))])))
    await asyncio.gather(*tasks)
    return times, statuses


def apart(loop: Any, *arguments: Any) -> dict[str, Any]:
    """Run a loop in another process; what it measured, in short."""
    pipe, there = multiprocessing.Pipe()

    def work() -> None:
        began = time.perf_counter()
        times, statuses = asyncio.run(loop(*arguments))
        passed = time.perf_counter() - began
        p50, p99 = np.percentile(times, [50, 99]) * 1000
        there.send(
            {
                "requests_per_second": round(statuses.get(200, 0) / passed, 1),
                "p50_ms": round(float(p50), 2),
                "p99_ms": round(float(p99), 2),
                "statuses": statuses,
            }
        )

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    found: dict[str, Any] = pipe.recv()
    process.join()
    return found


def memory(pid: int) -> int:
    """Bytes that a process and all below it hold, shared pages once (proportional set size)."""
    total = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            total = 1024 * int(line.split()[1])
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        total += memory(int(child))
    return total


def processor_seconds(pid: int) -> float:
    """Seconds of processor that a process and all below it have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return used + sum(processor_seconds(int(child)) for child in children)


def make(folder: Path, n_tracks: int, n_playlists: int) -> None:
    """Playlists drawn by a Zipf law, and a model of 64 dimensions for them."""
    import playlistrec as pr

    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, n_tracks + 1) ** 0.7
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["playlist_id,track_id,track_name,artist_name"]
    drawn = np.concatenate(
        [np.tile(np.arange(n_tracks), 2), rng.choice(n_tracks, 40 * n_playlists, p=weights / weights.sum())]
    )
    playlists = rng.integers(0, n_playlists, len(drawn))
    lines += [f"p{p},t{t},Song {t},Artist {t % (n_tracks // 8)}" for p, t in zip(playlists, drawn)]
    (folder / "playlists.csv").write_text("\n".join(lines))
    pr.preprocess(folder / "playlists.csv", folder / "data")
    options = {"epochs": 1, "batch_size": 65_536, "n_validated": 200, "loss": "bpr", "negatives": "uniform"}
    pr.fit(folder / "data", "mf", folder / "run", options=options, preset="none")


def until_drawn(port: int) -> None:
    """Wait for the server to have drawn its map."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/map")
        status = connection.getresponse().status
        connection.close()
        if status == 200:
            return
        time.sleep(0.5)


def record(found: dict[str, Any], given: argparse.Namespace) -> None:
    """Keep the figures of each load."""
    from playlistrec.experiment.runs import Run

    run = Run.load(given.run)
    corpus, load = run.data.corpus, f"load {found['load_before']:.1f} before"
    data = f"{corpus.n_playlists:,} playlists, {corpus.n_tracks:,} tracks"
    shared = {"data": data, "split": run.data.split.kind, "part": "none", "model": run.info["model"]}
    note = f"{given.workers} worker{'s' * (given.workers > 1)}, {load}"
    recorder = Recorder(given.record, **shared, options=run.info["options"], chosen="nothing is chosen", note=note)
    for kind, unit in (("closed", "clients"), ("open", "requests a second")):
        for count, of_loop in found[kind].items():
            metrics = {
                **{"requests a second": of_loop["requests_per_second"], "p50, ms": of_loop["p50_ms"]},
                **{"p99, ms": of_loop["p99_ms"], "processor time a request, ms": of_loop["server_ms_per_request"]},
            }
            row = f"{corpus.n_tracks:,} tracks, {count} {unit}"
            recorder.add(row=row, metrics=metrics, memory_mb=max(found["memory_mb"]))
    recorder.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--make", type=Path)
    parser.add_argument("--tracks", type=int, default=40_000)
    parser.add_argument("--playlists", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", default="1,2,4,8,16,32,64")
    parser.add_argument("--rates", default="100,200,400")
    parser.add_argument("--minutes", type=float, default=0, help="of steady load, for the memory")
    add_record(parser)
    given = parser.parse_args()
    if given.make is not None:
        make(given.make, given.tracks, given.playlists)
        return
    requests = bodies(given.run)
    command = [
        sys.executable,
        "-m",
        "playlistrec",
        "serve",
        str(given.run),
        "--port",
        "0",
        "--workers",
        str(given.workers),
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = int(server.stdout.readline().rpartition(":")[2])
    found: dict[str, Any] = {
        "command": " ".join(sys.argv),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "load_before": os.getloadavg()[0],
        "workers": given.workers,
    }

    def measured(loop: Any, *arguments: Any) -> dict[str, Any]:
        """With the processor time that the server takes for a request, which hangs less on what else runs."""
        before = processor_seconds(server.pid)
        of_loop = apart(loop, port, requests, *arguments)
        used = processor_seconds(server.pid) - before
        return {**of_loop, "server_ms_per_request": round(1000 * used / sum(of_loop["statuses"].values()), 2)}

    try:
        until_drawn(port)
        measured(closed, 4, 2.0)  # warm
        found["closed"] = {}
        for clients in map(int, given.clients.split(",")):
            found["closed"][clients] = measured(closed, clients, given.seconds)
            print(f"closed, {clients} clients: {found['closed'][clients]}", flush=True)
        found["open"] = {}
        for rate in filter(None, given.rates.split(",")):
            found["open"][rate] = measured(opened, float(rate), given.seconds)
            print(f"open, {rate} a second: {found['open'][rate]}", flush=True)
        held = [memory(server.pid)]
        for _ in range(round(given.minutes)):
            measured(closed, 8, 60.0)
            held.append(memory(server.pid))
            print(f"memory: {held[-1] / 2**20:.0f} MB", flush=True)
        found["memory_mb"] = [round(one / 2**20, 1) for one in held]
        found["load_after"] = os.getloadavg()[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    record(found, given)


if __name__ == "__main__":
    main()
