"""The demo's commands find what they ask for: the names in it stand in the synthetic playlists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from playlistrec.cli.main import VERBS
from playlistrec.corpus.synth.synthesize import synthesize
from playlistrec.experiment.data import preprocess
from playlistrec.serving.lookup.search import TrackIndex

SCRIPT = (Path(__file__).parents[1] / "examples" / "demo.sh").read_text()


def test_names_of_the_demo_are_found(tmp_path: Path) -> None:
    playlists = int(re.findall(r"--playlists (\d+)", SCRIPT)[0])
    k_core = int(re.findall(r"--k-core (\d+)", SCRIPT)[0])
    data = preprocess(synthesize(tmp_path / "slices", playlists), tmp_path / "data", k_core=k_core, workers=1)
    index = TrackIndex(data.corpus)
    names = re.findall(r'--track "([^"]+)"', SCRIPT)
    assert len(names) == 2
    found = [data.corpus.describe([index.find(name).track])[0]["artist_name"] for name in names]
    assert found[0] == "Žü"
    data.corpus.playlist_index(re.findall(r"--playlist (\d+)", SCRIPT)[0])


def test_the_demo_uses_commands_that_exist() -> None:
    used = {shlex.split(line)[1] for line in SCRIPT.splitlines() if line.strip().startswith("run ")}
    assert {"synth", "preprocess", "fit", "evaluate", "recommend", "report"} == used
    assert used <= set(VERBS)


def test_the_demo_ends_by_saying_how_to_open_the_page() -> None:
    last = SCRIPT.rstrip().splitlines()[-2:]
    command = re.findall(r"%s (\w+) %s/(\w+)", last[0])
    assert command == [("serve", "lightgcn")]
    assert "serve" in VERBS
    assert 'fit "$out/data" -m lightgcn -o "$out/lightgcn"' in SCRIPT
    assert "http://127.0.0.1:8000" in last[1]
