"""``export`` and ``similar`` as a user meets them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from calling import call

from playlistrec.experiment.data import Data


@pytest.fixture(scope="module")
def runs(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    call("fit", data_folder, "-m", "itemknn", "-o", folder / "itemknn")
    call("fit", data_folder, "-m", "mf", "-o", folder / "mf", "--epochs", 1)
    return folder


def test_export_writes_what_it_says(runs: Path, data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    result = call("export", runs / "mf", "-o", out, "--to", "npz", "--to", "voyager", "--to", "dgl")
    counts = Data.load(data_folder).manifest["counts"]
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{counts['playlists']:,} playlists and {counts['tracks']:,} tracks, ")
    assert [line.partition(":")[0] for line in lines[1:]] == ["parquet", "npz", "voyager", "dgl"]
    assert "recall@100 " in lines[3]
    manifest = json.loads((out / "manifest.json").read_text())
    listed = {file for reported in manifest["kinds"].values() for file in reported["files"]}
    assert listed | {"manifest.json", "README.md"} == {path.name for path in out.iterdir()}
    assert manifest["similarity"] == "inner product"
    assert manifest["counts"]["tracks"] == pq.read_metadata(out / "tracks.parquet").num_rows
    again = call("export", runs / "mf", "-o", out, "--json", "--force")
    assert json.loads(again.stdout) == json.loads((out / "manifest.json").read_text())
    assert not (out / "embeddings.npz").exists()


def test_export_leaves_nothing_where_it_cannot(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    reported = call("export", runs / "itemknn", "-o", out, code=2).stderr
    assert reported.startswith("error: itemknn has no vectors")
    assert "unknown kind of export 'fais'" in call("export", runs / "mf", "-o", out, "--to", "fais", code=2).stderr
    assert list(tmp_path.iterdir()) == []
    out.mkdir()
    (out / "mine").touch()
    assert "exists" in call("export", runs / "mf", "-o", out, code=1).stderr
    assert "not an export" in call("export", runs / "mf", "-o", out, "--force", code=1).stderr
    assert "does not exist" in call("export", tmp_path / "none", "-o", tmp_path / "y", code=1).stderr


def test_similar_prints_a_table_json_and_csv(runs: Path, data_folder: Path) -> None:
    corpus = Data.load(data_folder).corpus
    track = corpus.describe([5])[0]  # type: ignore[arg-type]
    name = f"{track['artist_name']} - {track['track_name']}".upper()
    reported = json.loads(call("similar", runs / "mf", "--track", name, "-k", 4, "--json").stdout)
    assert reported["query"] == {"track": track["track_uri"]}
    assert (reported["to"], reported["note"], len(reported["items"])) == ("track", None, 4)
    assert list(reported["items"][0]) == ["rank", "track_uri", "track_name", "artist_name", "cosine"]
    assert track["track_uri"] not in {item["track_uri"] for item in reported["items"]}
    text = call("similar", runs / "mf", "--track", name, "-k", 4, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["track_uri"] for row in rows] == [item["track_uri"] for item in reported["items"]]
    misspelt = call("similar", runs / "mf", "--track", f"{name}x", "-k", 4, "--json")
    assert misspelt.stderr.startswith("warning: took ")
    assert json.loads(misspelt.stdout) == reported
    table = call("similar", runs / "mf", "--track", track["track_uri"], "-k", 4).stdout
    assert len(table.strip().splitlines()) == 5


def test_similar_across_kinds_says_what_stands_for_artists(runs: Path, data_folder: Path) -> None:
    corpus = Data.load(data_folder).corpus
    uri = corpus.artists["uri"][0].as_py()
    result = call("similar", runs / "mf", "--artist", uri, "--to", "playlist", "-k", 3)
    assert "the mean of an artist's tracks stands for it" in result.stderr
    assert result.stdout.splitlines()[0].split() == ["#", "pid", "playlist", "name", "cosine"]
    pid = corpus.playlists["pid"][2].as_py()
    reported = json.loads(call("similar", runs / "mf", "--playlist", pid, "--to", "artist", "--json").stdout)
    assert reported["query"] == {"playlist": pid}
    assert "mean" in reported["note"]
    assert len(reported["items"]) == 10


def test_similar_refuses(runs: Path, data_folder: Path) -> None:
    artist = Data.load(data_folder).corpus.artists["name"][0].as_py()
    assert "give one of" in call("similar", runs / "mf", code=2).stderr
    assert "give one of" in call("similar", runs / "mf", "--track", "a", "--playlist", "1", code=2).stderr
    assert "no artist is called" in call("similar", runs / "mf", "--artist", f"{artist}x", code=1).stderr
    assert "no playlist" in call("similar", runs / "mf", "--playlist", "none", code=1).stderr
    assert "has no vectors" in call("similar", runs / "itemknn", "--playlist", "1", code=2).stderr


def test_the_graph_of_a_data_folder(data_folder: Path, tmp_path: Path) -> None:
    result = call("export", data_folder, "-o", tmp_path / "graph", "--to", "dgl")
    assert "graph.bin" in result.stdout
    assert "contains" in result.stdout
    assert {path.name for path in (tmp_path / "graph").iterdir()} == {"graph.bin", "manifest.json", "README.md"}
    assert "is a data folder" in call("export", data_folder, "-o", tmp_path / "x", code=2).stderr
    assert "exists" in call("export", data_folder, "-o", tmp_path / "graph", "--to", "dgl", code=1).stderr
