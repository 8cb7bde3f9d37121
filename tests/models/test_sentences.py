"""First embeddings from the names of playlists and tracks, by sentence models of every kind that is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.embedding.initial import SVD_RMS, sentences
from playlistrec.models.graph.lightgcn import LightGCN, LightGCNConfig
from playlistrec.models.titles.sentences import sentence_space

WORDS = {"[UNK]": 0, "sad": 1, "songs": 2, "metal": 3, "gym": 4}
VECTORS = np.array([[9, 9, 9], [1, 0, 0], [0, 1, 0], [0, 0, 2], [0, 3, 4]], dtype=np.float32)


def write_static(folder: Path, table: str) -> Path:
    """A model of four words as model2vec or sentence-transformers write it."""
    tokenizers = pytest.importorskip("tokenizers")
    safetensors = pytest.importorskip("safetensors.numpy")
    folder.mkdir(parents=True)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.enable_padding(length=7)
    tokenizer.save(str(folder / "tokenizer.json"))
    safetensors.save_file({table: VECTORS}, folder / "model.safetensors")
    return folder


def named(playlists: list[str | None], tracks: list[str | None]) -> Corpus:
    corpus = Corpus.from_lists([["a", "b"], ["b"], ["a"]])
    return Corpus(
        corpus.offsets,
        corpus.tracks,
        corpus.playlists.append_column("name", pa.array(playlists, pa.string())),
        corpus.track_table.append_column("name", pa.array(tracks, pa.string())),
        corpus.artists,
    )


@pytest.mark.parametrize("table", ["embeddings", "embedding.weight"])
def test_a_static_model_is_the_mean_of_its_known_tokens(table: str, tmp_path: Path) -> None:
    rows = sentence_space(str(write_static(tmp_path / "m", table)))(["sad songs", "sad jazz", "jazz", "gym"])
    root = np.sqrt(0.5)
    wanted = [[root, root, 0], [1, 0, 0], [0, 0, 0], [0, 0.6, 0.8]]
    np.testing.assert_allclose(rows, wanted, atol=1e-6)


def test_a_static_module_of_sentence_transformers(tmp_path: Path) -> None:
    write_static(tmp_path / "m" / "0_StaticEmbedding", "embedding.weight")
    modules = [{"idx": 0, "path": "0_StaticEmbedding", "type": "sentence_transformers.models.StaticEmbedding"}]
    (tmp_path / "m" / "modules.json").write_text(json.dumps(modules))
    assert sentence_space(str(tmp_path / "m"))(["gym"])[0].tolist() == pytest.approx([0, 0.6, 0.8])


def test_a_real_model2vec_folder_gives_the_packages_vectors(tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    folder = write_static(tmp_path / "m", "embeddings")
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs = model2vec.StaticModel(VECTORS, tokenizer, normalize=True)
    theirs.save_pretrained(tmp_path / "saved")
    texts = ["sad songs", "sad jazz", "gym metal"]
    np.testing.assert_allclose(sentence_space(str(tmp_path / "saved"))(texts), theirs.encode(texts), atol=1e-6)


def test_products_of_first_embeddings_are_those_of_the_names(tmp_path: Path) -> None:
    model = str(write_static(tmp_path / "m", "embeddings"))
    corpus = named(["sad songs", None, "gym"], ["metal", "sad songs"])
    tables = {kind: table.numpy() for kind, table in sentences(corpus, 3, model).items()}
    rows = sentence_space(model)(["sad songs", "gym", "metal"])
    at = {"playlist": [0, -1, 1], "track": [2, 0]}
    scale = np.linalg.norm(tables["playlist"][0])
    whole = {kind: np.stack([rows[i] if i >= 0 else np.zeros(3) for i in ids]) * scale for kind, ids in at.items()}
    np.testing.assert_allclose(tables["playlist"] @ tables["track"].T, whole["playlist"] @ whole["track"].T, atol=1e-6)
    squares = [np.square(tables[kind]).mean() for kind in at]
    assert np.sqrt(np.mean(squares)) == pytest.approx(SVD_RMS, rel=1e-4)
    assert not tables["playlist"][1].any()


def test_the_model_is_not_needed_to_load_a_run(tmp_path: Path) -> None:
    model = str(write_static(tmp_path / "m", "embeddings"))
    corpus = named(["sad songs", "metal", "gym"], ["metal", "sad songs"])
    config = LightGCNConfig(dim=5, init=f"sentence:{model}", artists=False)
    fitted = LightGCN.from_corpus(corpus, config)
    (tmp_path / "m").rename(tmp_path / "gone")
    again = LightGCN.from_state(corpus, config, fitted.state())
    assert np.array_equal(again.vectors()[0].numpy(), fitted.vectors()[0].numpy())


def test_wordllama_finds_like_names() -> None:
    pytest.importorskip("wordllama")
    rows = sentence_space("wordllama")(["Christmas songs", "xmas music", "death metal"])
    assert rows.shape == (3, 256)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("sentence:nowhere", "a sentence model must be wordllama or a local folder"),
        ("sentence:", "init must be one of xavier, svd, ngrams, wordllama, or sentence:MODEL"),
        ("sentences", "init must be one of"),
        ("sentence:.", "it needs modules.json or config.json"),
    ],
)
def test_what_is_no_model(init: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        LightGCN.from_corpus(named(["a", "b", "c"], ["d", "e"]), LightGCNConfig(init=init))


def test_names_are_needed() -> None:
    with pytest.raises(ConfigError, match="without names"):
        LightGCN.from_corpus(Corpus.from_lists([["a"]]), LightGCNConfig(init="sentence:wordllama"))


def test_damaged_models_are_one_line(tmp_path: Path) -> None:
    folder = write_static(tmp_path / "m", "other")
    with pytest.raises(ConfigError, match="has none of the arrays embeddings"):
        sentence_space(str(folder))
    (folder / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ConfigError, match="has no sentence model"):
        sentence_space(str(folder))
