"""The life of a server: newer runs, ends, deaths; and who may ask. Nothing that was asked is lost."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from calling import call
from serving_process import Server, serving

TOKEN = "a-token-of-some-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Load:
    """Clients that ask one after the other, half of them on connections that they keep.

    Attributes:
        found: the tracks of each answer, in order of arrival.
        lost: what was asked on a connection and never answered, or not answered well.
    """

    def __init__(self, server: Server, body: dict[str, object], headers: dict[str, str], clients: int = 6) -> None:
        self.port, self.body = server.port, json.dumps(body)
        self.headers = {"Content-Type": "application/json", **headers}
        self.found: list[tuple[str, ...]] = []
        self.lost: list[str] = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n % 2 == 0,)) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._ending.is_set():
            if connection is None or not keep:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                try:
                    connection.connect()
                except OSError:
                    return  # nobody listens any more, and nothing was asked
            try:
                connection.request("POST", "/recommend", self.body, self.headers)
                response = connection.getresponse()
                content = json.loads(response.read())
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                return
            if response.status == 200:
                self.found.append(tuple(item["track_uri"] for item in content["items"]))
            else:
                self.lost.append(str(content))
            if response.headers.get("Connection") == "close":
                connection = None

    def end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(60)


def tracks_of(server: Server, body: dict[str, object], headers: dict[str, str] | None = None) -> tuple[str, ...]:
    answer = server.ask("POST", "/recommend", body, headers)
    assert answer.status == 200, answer
    return tuple(item["track_uri"] for item in answer.content["items"])


def until(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_newer_runs_and_the_end_lose_nothing(
    served_run: Path, newer_run: Path, uris: list[str], tmp_path: Path
) -> None:
    """Under load: a run that cannot be read, a newer one by the watch, the old one by request, then the end."""
    current, token = tmp_path / "current", tmp_path / "token"
    current.symlink_to(served_run)
    token.write_text(TOKEN + "\n")
    body: dict[str, object] = {"tracks": uris[:3], "k": 5}
    with serving(current, "--workers", 2, "--watch", "--token-file", token) as server:
        first = tracks_of(server, body, BEARER)
        load = Load(server, body, BEARER)
        switch(current, newer_run)
        until(lambda: server.ask("GET", "/health").content["model"] == "itemknn")
        second = tracks_of(server, body, BEARER)
        assert first != second
        until(lambda: set(load.found[-20:]) == {second})
        damaged = tmp_path / "damaged"
        damaged.mkdir()
        for file in newer_run.iterdir():
            if file.is_file():
                (damaged / file.name).write_bytes(file.read_bytes()[: 200 if file.suffix == ".npz" else None])
        switch(current, damaged)
        until(lambda: server.ask("GET", "/health").content["reload_error"] is not None)
        assert "damaged" in server.ask("GET", "/health").content["reload_error"]
        assert tracks_of(server, body, BEARER) == second, "the one before answers on"
        switch(current, served_run)
        answer = server.ask("POST", "/admin/reload", "", BEARER)
        assert answer.status == 202
        until(lambda: server.ask("GET", "/health").content["model"] == "mf")
        until(lambda: set(load.found[-20:]) == {first})
        metrics = server.ask("GET", "/metrics", headers=BEARER).content.decode()
        assert "playlistrec_reload_failures_total 1" in metrics
        assert server.end() == 0
        load.end()
    assert load.lost == []
    assert set(load.found) == {first, second}, "every answer is one run's or the other's"
    assert len(load.found) > 20
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), 5)


def switch(link: Path, to: Path) -> None:
    """Make a link lead elsewhere in one step, as `ln -sfn` does."""
    (link.parent / "next").symlink_to(to)
    os.replace(link.parent / "next", link)


def children(pid: int) -> Sequence[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_what_dies_is_replaced_and_nothing_outlives_the_server(served_run: Path, uris: list[str]) -> None:
    body: dict[str, object] = {"tracks": uris[:2], "k": 3}
    with serving(served_run) as server:
        expected = tracks_of(server, body)
        server.until("/map")
        (generation,) = children(server.process.pid)
        until(lambda: len(children(generation)) == 1)  # the one that drew the map has ended
        (worker,) = children(generation)
        os.kill(worker, signal.SIGKILL)
        until(lambda: len(found := children(generation)) == 1 and found != [worker])
        assert tracks_of(server, body) == expected
        os.kill(generation, signal.SIGKILL)
        until(lambda: len(found := children(server.process.pid)) == 1 and found != [generation])
        assert tracks_of(server, body) == expected
        (generation,) = children(server.process.pid)
        until(lambda: len(children(generation)) > 0)
        family = [generation, *children(generation)]
        server.process.kill()
        server.process.wait(10)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), 40)


def test_who_may_ask(served_run: Path, uris: list[str], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with serving(served_run, "--host", "0.0.0.0", "--token-file", token, "--allow-host", "music.example") as server:
        body = {"tracks": uris[:1]}
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer ä"}):
            encoded = {name: value.encode("latin-1").decode("latin-1") for name, value in headers.items()}
            answer = server.ask("POST", "/recommend", body, encoded)
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert server.ask("POST", "/admin/reload", "", encoded).status == 401
            assert server.ask("GET", "/metrics", headers=encoded).status == 401
        assert server.ask("POST", "/recommend", body, BEARER).status == 200
        assert server.ask("GET", "/health").status == 200
        assert server.ask("GET", "/").status == 200
        for host, status in (("music.example", 200), ("Music.Example:443", 200), ("evil.example", 421), ("", 421)):
            assert server.ask("GET", "/health", headers={"Host": host}).status == status
        for origin, status in (("http://evil.example", 403), ("null", 403), ("http://music.example", 200)):
            headers = {**BEARER, "Host": "music.example", "Origin": origin}
            assert server.ask("POST", "/recommend", body, headers).status == status


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "--token-file"),
        (["--host", "192.0.2.7"], "--token-file"),
        (["--workers", 0], "workers must be between 1 and 64 (got 0)"),
        (["--port", 70000], "port must be between 0 and 65535 (got 70000)"),
        (["--token-file", "/nowhere"], "the token file /nowhere cannot be read"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(served_run: Path, options: list[object], said: str) -> None:
    text = call("serve", served_run, *options, code=2).stderr
    assert said in text
    assert text.count("\n") == 1


def test_a_taken_port_and_a_run_that_cannot_be_read_end_in_one_line(
    server: Server, served_run: Path, tmp_path: Path
) -> None:
    def ended(run: Path, *options: object) -> str:
        command = [sys.executable, "-m", "playlistrec", "serve", str(run), *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in (1, 2), done
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    assert f"cannot listen on 127.0.0.1:{server.port}: Address already in use" in ended(
        served_run, "--port", server.port
    )
    assert "does not exist" in ended(tmp_path / "none")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "run.json").write_bytes((served_run / "run.json").read_bytes())
    assert "has no weights yet" in ended(damaged, "--port", 0)


@pytest.mark.slow
def test_the_watch_takes_what_update_makes(tmp_path: Path) -> None:
    """A track that only the later day has is answered for, by a name that the first day does not know."""

    def day(name: str, n: int) -> Path:
        rows = [f"p{p},t{(p * 7 + i) % 60},Song {(p * 7 + i) % 60},Band {i % 5}" for p in range(80) for i in range(12)]
        rows += [f"p{p},late,Late Song,Band 1" for p in range(n)]
        (tmp_path / f"{name}.csv").write_text("playlist_id,track_id,track_name,artist_name\n" + "\n".join(rows) + "\n")
        call("preprocess", tmp_path / f"{name}.csv", "-o", tmp_path / name)
        return tmp_path / name

    call("fit", day("first", 0), "-m", "mf", "-o", tmp_path / "run1", "--preset", "none", "--epochs", 2)
    current = tmp_path / "current"
    current.symlink_to(tmp_path / "run1")
    with serving(current, "--watch") as server:
        before = server.recommend(tracks=["t3"], k=60)
        assert "late" not in {item["track_uri"] for item in before["items"]}
        assert server.ask("POST", "/recommend", {"tracks": ["late"]}).status in (400, 404, 422)
        call("update", tmp_path / "run1", day("second", 40), "-o", tmp_path / "run2")
        switch(current, tmp_path / "run2")
        until(lambda: server.ask("POST", "/recommend", {"tracks": ["late"], "k": 5}).status == 200)
        after = server.recommend(tracks=["t3"], k=60)
        assert "late" in {item["track_uri"] for item in after["items"]}
        assert server.ask("GET", "/health").content["reload_error"] is None
