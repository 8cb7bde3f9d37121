"""The config of graph models."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from ...config import require
from ..edge_weights import EdgeWeights
from ..embedding.model import EmbeddingConfig

__all__ = ["GraphConfig"]


@dataclass(frozen=True, kw_only=True)
class GraphConfig(EmbeddingConfig):
    """Options of every graph model.

    Attributes:
        layers: rounds of message passing.
        layer_weights: weights of the layers in their sum, the embeddings first: ``mean``, ``learned`` or numbers, as
            in ``0,1,1``. ``concat`` puts the layers side by side instead.
        artists: true if messages also pass between artists and their tracks.
        edge_weights: weights of the edges between playlists and tracks, of data preprocessed with ``--weights``:
            ``none``, ``log1p`` or ``raw``, scaled to a mean of 1.
    """

    layers: int = 3
    layer_weights: str = "mean"
    artists: bool = True
    edge_weights: EdgeWeights = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.layers >= 1, "layers", "at least 1", self.layers)
        example = ",".join(["0", *"1" * self.layers])
        rule = f"mean, learned, or {self.layers + 1} numbers that do not add up to 0, as in {example}; or concat"
        require(self._weights() is not None, "layer_weights", rule, self.layer_weights)

    def _weights(self) -> str | list[float] | None:
        if self.layer_weights in ("mean", "learned", "concat"):
            return self.layer_weights
        try:
            numbers = [float(number) for number in self.layer_weights.split(",")]
        except ValueError:
            return None
        return numbers if len(numbers) == self.layers + 1 and isfinite(sum(numbers)) and sum(numbers) != 0 else None

    @property
    def weights(self) -> str | list[float]:
        """An option of :class:`~playlistrec.nn.combine.LayerSum`, or ``concat``."""
        weights = self._weights()
        assert weights is not None, "checked when the options were made"
        return weights
