"""Texts as sentence embeddings, of WordLlama or of a model in a local folder. Nothing is downloaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from typing_extensions import Self

from ...errors import ConfigError
from ...storage import open_file, read_json

__all__ = ["StaticVectors", "sentence_space"]

Floats = npt.NDArray[np.float32]
WORDLLAMA = "wordllama"
TABLES = ("embeddings", "embedding.weight")
"""Names that static models give their table of token vectors: model2vec, and sentence-transformers."""


class StaticVectors:
    """Texts as the mean of their tokens' vectors, rows of length 1; a text without a known token is a row of zeros.

    Args:
        vectors: (n_tokens, dim).
        tokenizer: a ``tokenizers.Tokenizer``; its unknown token has no vector.
    """

    def __init__(self, vectors: npt.NDArray[Any], tokenizer: Any) -> None:
        self._vectors, self._tokenizer = vectors.astype(np.float32), tokenizer
        unknown = json.loads(tokenizer.to_str())["model"].get("unk_token")
        self._unknown = None if unknown is None else tokenizer.token_to_id(unknown)

    @classmethod
    def wordllama(cls) -> Self:
        """Vectors of width 256, distilled from large language models' (Miller 2024), from the installed package.

        The package itself is not imported: it would set up logging, and look for files that it misses on the net.

        Raises:
            ConfigError: the package is not installed.
        """
        package = find_spec(WORDLLAMA)
        if package is None or package.origin is None:
            raise ConfigError("sentence embeddings need the package wordllama: pip install 'playlistrec[titles]'")
        home = Path(package.origin).parent
        table = home / "weights" / "l2_supercat_256.safetensors"
        return cls._read(table, home / "tokenizers" / "l2_supercat_tokenizer_config.json")

    @classmethod
    def of_folder(cls, folder: Path) -> Self | None:
        """The model of a folder as model2vec or sentence-transformers' StaticEmbedding write it; None for others."""
        for home in (folder, folder / "0_StaticEmbedding"):
            table, tokenizer = home / "model.safetensors", home / "tokenizer.json"
            if table.is_file() and tokenizer.is_file() and _is_static(folder):
                return cls._read(table, tokenizer)
        return None

    @classmethod
    def _read(cls, table: Path, tokenizer: Path) -> Self:
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ConfigError(f"sentence embeddings need the package {error.name}: pip install {error.name}") from None
        try:
            arrays = load_file(table)
            coder = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # of their own kinds
            raise ConfigError(f"{table.parent} has no sentence model: {error}") from None
        name = next((name for name in TABLES if name in arrays), None)
        if name is None:
            raise ConfigError(f"{table} has none of the arrays {', '.join(TABLES)} (got {', '.join(arrays)})")
        coder.no_padding()
        coder.no_truncation()
        return cls(arrays[name], coder)

    def __call__(self, texts: Sequence[str]) -> Floats:
        """(n_texts, dim)."""
        coded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        tokens = [[token for token in one.ids if token != self._unknown] for one in coded]
        rows = np.repeat(np.arange(len(texts)), [len(ids) for ids in tokens])
        columns = np.array([token for ids in tokens for token in ids], dtype=np.int64)
        ones = np.ones(len(rows), dtype=np.float32)
        held = sparse.csr_array((ones, (rows, columns)), shape=(len(texts), len(self._vectors)))
        return _unit(held @ self._vectors)


def sentence_space(model: str) -> Callable[[Sequence[str]], Floats]:
    """A function from texts to rows of length 1, (n_texts, dim).

    Args:
        model: ``wordllama``, or a local folder of a model2vec or sentence-transformers model. Static models are read as
            they are; others need the package sentence-transformers, which gets the folder and no leave to run its code.

    Raises:
        ConfigError: there is no such model, or a package is missing.
    """
    if model == WORDLLAMA:
        return StaticVectors.wordllama()
    folder = Path(model)
    if not folder.is_dir():
        raise ConfigError(f"a sentence model must be {WORDLLAMA} or a local folder (got {model!r})")
    static = StaticVectors.of_folder(folder)
    if static is not None:
        return static
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        raise ConfigError(f"{folder} has no sentence model: it needs modules.json or config.json")
    if find_spec("sentence_transformers") is None:
        raise ConfigError(f"the model {folder} needs sentence-transformers: pip install sentence-transformers")
    from sentence_transformers import SentenceTransformer

    try:
        encoder = SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise ConfigError(f"{folder} has no sentence model: {' '.join(str(error).split())[:200]}") from None
    return lambda texts: _unit(np.asarray(encoder.encode(list(texts), show_progress_bar=False), dtype=np.float32))


def _is_static(folder: Path) -> bool:
    """True unless the folder says that its model is more than a table of token vectors."""
    modules = folder / "modules.json"
    if modules.is_file():
        return "StaticEmbedding" in modules.read_text("utf-8", errors="replace")
    config = folder / "config.json"
    if not config.is_file():
        return True
    with open_file(config, ConfigError) as file:
        return read_json(file, str(config), ConfigError).get("model_type") in (None, "model2vec")


def _unit(rows: npt.NDArray[Any]) -> Floats:
    unit: Floats = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return unit
