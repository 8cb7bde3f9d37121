"""How many MB a second each reader of a table or a collection takes: files of their true shape, invented content.

    python benchmarks/sources.py [--rows 1000000] [--only csv] [--record sources]

A figure is the size of all files that are read, without compression, over the CPU time of ``read``, from opening to the
finished corpus, the best of some repeats: this process reads in one thread, and CPU time does not count what other
processes of a busy machine take.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from records import Recorder

from playlistrec.corpus.sources.read import read

LENGTH = 30
"""Entries of a playlist."""
Pairs = tuple[list[int], list[int]]
MAKERS: dict[str, Callable[[Path, Pairs], None]] = {}


def maker(function: Callable[[Path, Pairs], None]) -> Callable[[Path, Pairs], None]:
    """Register what writes the files of one format."""
    MAKERS[function.__name__.removeprefix("make_")] = function
    return function


def pairs_of(rows: int, rng: np.random.Generator) -> Pairs:
    """The playlist and the track of each row; a few tracks stand in many playlists."""
    tracks = (rng.zipf(1.3, rows) * 7919) % max(1000, rows // 6)
    return np.repeat(np.arange(rows // LENGTH + 1), LENGTH)[:rows].tolist(), tracks.tolist()


def lists_of(pairs: Pairs) -> dict[int, list[int]]:
    """The tracks of each playlist."""
    lists: dict[int, list[int]] = {}
    for playlist, track in zip(*pairs):
        lists.setdefault(playlist, []).append(track)
    return lists


def uri(track: int) -> str:
    """A uri as Spotify writes them."""
    return f"spotify:track:{track:022d}"


def lines(path: Path, header: str, rows: list[str]) -> None:
    """Write a text."""
    path.write_text(header + "".join(f"{row}\n" for row in rows))


@maker
def make_csv(folder: Path, pairs: Pairs) -> None:
    """Comma, no quotes."""
    lines(
        folder / "a.csv", "playlist_id,track_uri,pos\n", [f"{p},{uri(t)},{i}" for i, (p, t) in enumerate(zip(*pairs))]
    )


@maker
def make_quoted(folder: Path, pairs: Pairs) -> None:
    """Semicolons, quotes, titles with both, Windows-1252."""
    rows = [f'{p};"{uri(t)}";"Tit;le ""{t}"" é";"Künstler {t % 999}"' for p, t in zip(*pairs)]
    text = "playlist_id;track_uri;track_name;artist_name\n" + "\n".join(rows) + "\n"
    (folder / "a.csv").write_bytes(text.encode("cp1252"))


@maker
def make_nowplaying(folder: Path, pairs: Pairs) -> None:
    """Every field quoted, a blank before each, a line in 5,000 broken."""
    rows = [
        f'"{p // 3:032x}", "Artist of {t % 9973}", "Song {t} (Remastered)", "{"a" if i % 5000 else chr(34)} list {p}"'
        for i, (p, t) in enumerate(zip(*pairs))
    ]
    lines(folder / "spotify_dataset.csv", '"user_id", "artistname", "trackname", "playlistname"\n', rows)


@maker
def make_skip_sessions(folder: Path, pairs: Pairs) -> None:
    """Sequential Skip Prediction: 21 columns, of which three are read."""
    columns = "skip_1,skip_2,skip_3,not_skipped,context_switch,no_pause_before_play,short_pause_before_play"
    columns += ",long_pause_before_play,hist_user_behavior_n_seekfwd,hist_user_behavior_n_seekback"
    columns += ",hist_user_behavior_is_shuffle,hour_of_day,date,premium,context_type"
    values = "false,false,false,true,0,0,1,1,0,0,true,16,2018-07-15,true,editorial_playlist"
    rows = [f"0_{p:036x},{i % 20 + 1},20,t_{t:036x},{values}" for i, (p, t) in enumerate(zip(*pairs))]
    lines(folder / "log_0.csv", f"session_id,session_position,session_length,track_id_clean,{columns}\n", rows)


@maker
def make_melon(folder: Path, pairs: Pairs) -> None:
    """Playlists and songs as JSON."""
    playlists = [
        {
            "tags": ["락"],
            "id": p,
            "plylst_title": f"노래 {p}",
            "songs": songs,
            "like_cnt": 71,
            "updt_date": "2013-12-19",
        }
        for p, songs in lists_of(pairs).items()
    ]
    songs = [
        {"song_gn_dtl_gnr_basket": ["GN0901"], "issue_date": "20140512", "album_name": "곡", "album_id": 2255639}
        | {"artist_id_basket": [2727], "song_name": f"노래 {t}", "song_gn_gnr_basket": ["GN0900"]}
        | {"artist_name_basket": [f"가수 {t % 999}"], "id": t}
        for t in sorted(set(pairs[1]))
    ]
    (folder / "train.json").write_text(json.dumps(playlists, ensure_ascii=False))
    (folder / "song_meta.json").write_text(json.dumps(songs, ensure_ascii=False))


@maker
def make_aotm(folder: Path, pairs: Pairs) -> None:
    """Mixes as JSON; one song in three has no id."""
    mixes = [
        {"mix_id": p, "category": "Mixed Genre", "timestamp": "2005-05-04T00:00:00", "user": {"name": "ann"}}
        | {"filtered_lists": [[f"SO{t:016d}" for t in songs if t % 3]]}
        | {"playlist": [[[f"artist {t % 999}", f"song {t}"], f"SO{t:016d}" if t % 3 else None] for t in songs]}
        for p, songs in lists_of(pairs).items()
    ]
    (folder / "aotm2011_playlists.json").write_text(json.dumps(mixes))


@maker
def make_30music(folder: Path, pairs: Pairs) -> None:
    """Playlists, and the names of tracks."""
    rows = []
    for p, songs in lists_of(pairs).items():
        links = {"subjects": [{"type": "user", "id": 1}], "objects": [{"type": "track", "id": t} for t in songs]}
        rows.append(f'playlist\t{p}\t1216926925\t{{"ID":{p},"Title":"list {p}","numtracks":9}}\t{json.dumps(links)}')
    lines(folder / "playlist.idomaar", "", rows)
    about = '{{"duration":-1,"playcount":4,"MBID":null,"name":"Artist+{0}/_/Song+{0}"}}\t{{"artists":[],"albums":[]}}'
    tracks = [f"track\t{t}\t-1\t{about.format(t)}" for t in sorted(set(pairs[1]))]
    lines(folder / "tracks.idomaar", "", tracks)


@maker
def make_yes(folder: Path, pairs: Pairs) -> None:
    """Places in the first line."""
    ids = sorted(set(pairs[1]))
    place = {t: i for i, t in enumerate(ids)}
    rows = [" ".join(str(place[t]) for t in songs) + " " for songs in lists_of(pairs).values()]
    lines(folder / "train.txt", " ".join(map(str, ids)) + " \n" + " ".join("1" for _ in ids) + " \n", rows)
    lines(folder / "song_hash.txt", "", [f"{t}\tSong {t}\tArtist {t % 999}" for t in ids])


@maker
def make_recbole(folder: Path, pairs: Pairs) -> None:
    """Benchmark files with times."""
    rows = [f"{p}\t{t}\t{i}.0" for i, (p, t) in enumerate(zip(*pairs))]
    for part, low, high in (("train", 0, 0.8), ("valid", 0.8, 0.9), ("test", 0.9, 1)):
        some = rows[int(low * len(rows)) : int(high * len(rows))]
        lines(folder / f"ml.{part}.inter", "user_id:token\titem_id:token\ttimestamp:float\n", some)


@maker
def make_item_lists(folder: Path, pairs: Pairs) -> None:
    """RecBole's sequences."""
    rows = [f"{p}\t{' '.join(map(str, songs[:-1]))}\t{songs[-1]}" for p, songs in lists_of(pairs).items()]
    lines(folder / "x.inter", "user_id:token\titem_id_list:token_seq\titem_id:token\n", rows)


@maker
def make_ir_benchmark(folder: Path, pairs: Pairs) -> None:
    """Training and test pairs."""
    rows = [f"{p}\t{t}" for p, t in zip(*pairs)]
    lines(folder / "train.tsv", "user_procid\titem_procid\n", rows[: len(rows) * 4 // 5])
    lines(folder / "test.tsv", "user_procid\titem_procid\n", rows[len(rows) * 4 // 5 :])


@maker
def make_adjacency(folder: Path, pairs: Pairs) -> None:
    """LightGCN's text."""
    lines(folder / "train.txt", "", [f"{p} {' '.join(map(str, songs))}" for p, songs in lists_of(pairs).items()])
    (folder / "train.txt").rename(folder / "a.txt")


@maker
def make_triples(folder: Path, pairs: Pairs) -> None:
    """``user item weight``."""
    lines(folder / "data1.txt", "", [f"{p}\t{t}\t{t % 900}" for p, t in zip(*pairs)])


@click.command(context_settings={"show_default": True})
@click.option("--rows", default=1_000_000, help="Entries of each source.")
@click.option("--only", help="One format.")
@click.option("--repeats", default=3)
@click.option("--seed", default=0)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(rows: int, only: str | None, repeats: int, seed: int, record: str | None) -> None:
    """Print the speed of each reader."""
    pairs = pairs_of(rows, np.random.default_rng(seed))
    shared = {"data": f"{rows:,} entries", "split": "none", "part": "none", "seed": seed}
    recorder = Recorder(record, **shared, chosen="nothing is chosen", note=f"the best of {repeats}")
    for name, make in MAKERS.items():
        if only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as place:
            make(Path(place), pairs)
            size = sum(path.stat().st_size for path in Path(place).iterdir()) / 1e6
            seconds = []
            for _ in range(repeats):
                start = time.process_time()
                corpus, _ = read(Path(place))
                seconds.append(time.process_time() - start)
        speed = {"MB": round(size, 1), "MB a second": round(size / min(seconds), 1)}
        column = f"{rows:,} entries"
        recorder.add(row=name, column=column, model="preprocess", metrics=speed, seconds={"processor": min(seconds)})
        click.echo(f"{name:14} {size:7.1f} MB {size / min(seconds):7.1f} MB/s {corpus.n_entries:10,} entries")
    recorder.save()


if __name__ == "__main__":
    main()
