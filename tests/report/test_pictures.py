"""Pictures of the studies: the whole network, epochs in one projection, lengths side by side, wished curves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from calling import call
from PIL import Image

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.filters import k_core, largest_component
from playlistrec.errors import DataError
from playlistrec.experiment.data import Data
from playlistrec.report.analysis.embedding_map import Chosen
from playlistrec.report.analysis.network import graph_layout, network
from playlistrec.report.analysis.quality import Quality
from playlistrec.report.analysis.training import History
from playlistrec.report.plots.figure import Panel
from playlistrec.report.plots.maps import Names, epochs
from playlistrec.report.plots.quality import by_length
from playlistrec.report.plots.training import training


@pytest.fixture(scope="module")
def run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pictures") / "run"
    options = (
        "snapshot_epochs=0,1,2",
        "link_curves=valid",
        "loss=bpr",
        "eval_every=1",
        "criterion=auc",
        "artists=false",
    )
    sets = [word for option in options for word in ("--set", option)]
    call("fit", data_folder, "-m", "lightgcn", "-o", out, "--preset", "none", "--epochs", 2, *sets)
    return out


def axes_of(panel: Panel) -> list[tuple[str, np.ndarray, np.ndarray, str]]:
    """Label, places and line style of what a panel draws."""
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    panel.draw(axes)
    return [(str(e.get_label()), *(np.asarray(v) for v in e.get_data()), str(e.get_linestyle())) for e in axes.lines]


def test_the_network_is_the_largest_component_and_its_core(data_folder: Path) -> None:
    data = Data.load(data_folder)
    corpus = data.split.training(data.corpus)
    found = network(corpus, 2, 10**6)
    held, known = largest_component(corpus)
    assert found.n_nodes == found.whole == held.sum() + known.sum()
    rows, columns = corpus.pairs
    assert len(found.edges) == (held[rows] & known[columns]).sum()
    inside = np.concatenate([mask[of] for mask, of in zip(k_core(corpus, 2), (found.playlists, found.tracks))])
    assert (found.core == inside).all()
    few = network(corpus, 2, 200)
    assert 100 < few.n_nodes <= 200
    assert few.whole == found.whole
    pairs = {*zip(rows.tolist(), columns.tolist())}
    assert {(int(few.playlists[p]), int(few.tracks[t])) for p, t in few.edges} <= pairs
    assert len({*few.edges[:, 0]}) + len({*few.edges[:, 1]}) == few.n_nodes, "no node stands alone"
    assert network(corpus, 2, 200, seed=1).playlists.tolist() != few.playlists.tolist()
    with pytest.raises(DataError, match="the largest k_core that leaves something"):
        network(corpus, 10**4)
    with pytest.raises(DataError):
        network(Corpus.from_lists([[]]))


def test_neighbours_are_near_in_the_layout() -> None:
    rng = np.random.default_rng(0)
    half = lambda start: [(start + int(a), start + int(b)) for a, b in rng.integers(0, 20, (120, 2))]  # noqa: E731
    edges = np.array(sorted({*half(0), *half(20), (0, 20)}))
    places = graph_layout(edges, 40, 40, seed=0)
    side = np.concatenate([np.arange(40) < 20, np.arange(40) < 20])
    middle = [places[side == which].mean(0) for which in (True, False)]
    right = [np.linalg.norm(places[i] - middle[0]) < np.linalg.norm(places[i] - middle[1]) for i in range(80)]
    assert (np.array(right) == side).mean() > 0.9
    assert np.array_equal(places, graph_layout(edges, 40, 40, seed=0))


def test_all_epochs_have_one_projection(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = rng.standard_normal((12, 6))
    chosen = Chosen([0, 1], ["a", "b"], np.arange(12), np.repeat([0, 1], 6))
    names = Names([f"t{i}" for i in range(12)], ["a", "b"])
    figure = epochs({"run": {0: first, 1: first, 2: first + 0.1}}, chosen, names, method="pca")
    assert figure.frame == 1
    drawn = [np.concatenate([np.stack([x, y]) for _, x, y, _ in axes_of(panel)], axis=1) for panel in figure.panels]
    assert np.array_equal(drawn[0], drawn[1]), "the same vectors stand at the same places"
    assert not np.array_equal(drawn[0], drawn[2])


def test_epochs_move(run: Path, tmp_path: Path) -> None:
    call("plot", "epochs", run, "--method", "pca", "-o", tmp_path / "e.gif")
    with Image.open(tmp_path / "e.gif") as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
    assert "a .gif moves" in call("plot", "separation", run, "-o", tmp_path / "s.gif", code=2).stderr


def test_curves_are_the_criterion_the_links_and_what_is_wished(run: Path, tmp_path: Path) -> None:
    from playlistrec.report.analysis.training import read_history

    histories = {"run": read_history(run)}
    titles = [panel.title for panel in training(histories).panels]
    assert titles == [
        *("Training loss (bpr)", "Loss of links, by part", "ROC-AUC of links, by part"),
        *("Validation AUC", "Validation AUC by time"),
    ]
    assert "Validation Recall@20" in [panel.title for panel in training(histories, ["recall@20"]).panels]
    auc = {label: y for label, _, y, _ in axes_of(training(histories).panels[2])}
    assert auc.keys() == {"run, train", "run, valid"}
    assert auc["run, valid"].tolist() == [record["auc_valid"] for record in histories["run"].records]
    call("plot", "training", run, "--metric", "ndcg@20", "-o", tmp_path / "t.png")
    refused = call("plot", "training", run, "--metric", "ndcg@7", "-o", tmp_path / "t.png", code=2).stderr
    assert "must be one that a run noted" in refused


def test_a_group_of_one_is_no_part_of_the_line() -> None:
    lengths = [3] * 8 + [12] * 9 + [400]
    offsets = np.concatenate([[0], np.cumsum(lengths)])

    class Set:
        seed_offsets = offsets

    values = np.array([0.2] * 8 + [0.4] * 9 + [1.0])
    quality = Quality({"ndcg@20": values, "recall@20": values}, np.zeros(0, np.int32), {}, (20,))
    lines = axes_of(by_length({"run": quality}, Set(), "x").panels[0])  # type: ignore[arg-type]
    line = next(y for label, _, y, style in lines if label == "run")
    assert line.tolist() == pytest.approx([0.2, 0.4])
    assert any(y.tolist() == [1.0] and style == "None" for _, _, y, style in lines)


def test_figures_take_a_depth(run: Path, tmp_path: Path, data_folder: Path) -> None:
    call("plot", "metrics", run, "-k", 300, "-o", tmp_path / "m.svg")
    assert "Recall@300" in (tmp_path / "m.svg").read_text()
    call("report", run, "-k", 10, "-k", 300, "-o", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    value = json.loads(call("evaluate", run, "-k", 300, "--json").stdout)["metrics"]["recall@300"]
    assert "recall@300" in text
    assert f"{value:.4f}" in text
    assert "k must be at most" in call("plot", "metrics", run, "-k", 10**6, "-o", tmp_path / "x.svg", code=2).stderr


def test_lengths_of_several(data_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (tmp_path / "x.csv").write_text("playlist_id,track_id\n" + "".join(f"p{i % 4},t{i}\n" for i in range(40)))
    call("preprocess", tmp_path / "x.csv", "-o", other)
    call("plot", "lengths", data_folder, other, "-o", tmp_path / "l.svg")
    assert "other" in (tmp_path / "l.svg").read_text()
    refused = call("plot", "degrees", data_folder, other, "-o", tmp_path / "l.svg", code=2).stderr
    assert "only lengths compares data folders" in refused


def test_a_history_without_links_has_no_panel_of_them() -> None:
    history = History([{"epoch": 1, "loss": 0.5, "ndcg@20": 0.1, "recall@20": 0.2}], [1.0], 1, "bpr", "ndcg@20")
    titles = [panel.title for panel in training({"a": history}).panels]
    assert titles == ["Training loss (bpr)", "Validation NDCG@20", "Validation NDCG@20 by time"]


def test_fits_that_differ_in_their_seed_are_a_mean_within_a_band() -> None:
    values = {"a": [0.1, 0.2, 0.3], "a-seed-1": [0.3, 0.4], "b": [0.5, 0.6]}
    histories = {
        name: History(
            [{"epoch": i, "loss": 1.0, "ndcg@20": value} for i, value in enumerate(found, 1)],
            [60.0 if name == "a" else 120.0] * len(found),
            1,
            "bpr",
            "ndcg@20",
            fit=name[0],
        )
        for name, found in values.items()
    }
    figure = training(histories)
    panels = {panel.title: panel for panel in figure.panels}
    drawn = {label: (x, y) for label, x, y, _ in axes_of(panels["Validation NDCG@20"])}
    assert drawn["a, 2 seeds"][0].tolist() == [1, 2], "where all seeds have a value"
    assert drawn["a, 2 seeds"][1] == pytest.approx([0.2, 0.3])
    assert drawn["b"][1].tolist() == [0.5, 0.6]
    timed = {label: x for label, x, _, _ in axes_of(panels["Validation NDCG@20 by time"])}
    assert {label: x.tolist() for label, x in timed.items()} == {"a, 2 seeds": [1.5, 3.0], "b": [2.0, 4.0]}
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    panels["Validation NDCG@20"].draw(axes)
    (shade,) = axes.collections
    edges = shade.get_paths()[0].vertices
    assert edges[:, 1].min() == pytest.approx(0.2 - 0.1 * 2**0.5, abs=1e-6)
    assert edges[:, 1].max() == pytest.approx(0.3 + 0.1 * 2**0.5, abs=1e-6)
    assert "one standard deviation" in figure.caption


def test_learned_weights_are_told(data_folder: Path, tmp_path: Path) -> None:
    options = ("--preset", "none", "--epochs", 1, "--set", "layer_weights=learned", "--set", "layers=2")
    call("fit", data_folder, "-m", "lightgcn", "-o", tmp_path / "run", *options)
    weights = json.loads((tmp_path / "run" / "run.json").read_text())["learned_layer_weights"]
    assert len(weights) == 3
    assert sum(weights) == pytest.approx(1, abs=1e-3)
    shown = ", ".join(map(str, weights))
    assert (
        f"learned weights of the layers, the embeddings first: {shown}" in (tmp_path / "run" / "MODEL.md").read_text()
    )
    call("report", tmp_path / "run", "-o", tmp_path / "r.html")
    assert "Learned weights of the layers" in (tmp_path / "r.html").read_text()
