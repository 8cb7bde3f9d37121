"""Matrix factorisation: a free vector for every playlist and every track."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from typing_extensions import Self

from ...corpus.corpus import Corpus
from ..base import Query
from ..embedding.model import EmbeddingModel, initial_tables
from .ridge import ridge_vectors

__all__ = ["MF"]


class MF(EmbeddingModel):
    """``score(p, t) = z_p · z_t``, fitted with BPR. Rendle et al. 2009, section 4.3.1.

    A playlist that was not trained gets the ridge solution of "score 1 for the seeds, 0 for everything", pulled
    toward the mean playlist: ``(Σ_seeds v vᵀ + w VᵀV + λI) z = Σ_seeds v + λ z̄``, the half step of implicit
    least squares (Hu, Koren, Volinsky 2008, eq. 4) with weight ``w`` for what is unobserved.
    """

    name: ClassVar[str] = "mf"
    summary: ClassVar[str] = "matrix factorisation, a free vector per playlist and track"
    papers: ClassVar[tuple[str, ...]] = (
        'Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback", section 4.3.1',
    )

    unobserved_weight: ClassVar[float] = 0.01
    ridge: ClassVar[float] = 1.0

    _shared: tuple[Tensor, Tensor] | None = None
    """``w VᵀV + λI`` and ``λ z̄``, which all playlists share, until the parameters may have changed."""

    @classmethod
    def build(cls, corpus: Corpus, config: Any) -> Self:
        return cls(initial_tables(corpus, ("playlist", "track"), config), config)

    def embed(self) -> tuple[Tensor, Tensor]:
        return self.compared(self.tables["playlist"]), self.compared(self.tables["track"])

    @torch.no_grad()
    def fold_in(self, query: Query) -> Tensor:
        playlists, tracks = self.vectors()
        if self._shared is None:
            mean = playlists.mean(0) if len(playlists) else tracks.new_zeros(tracks.shape[1])
            eye = torch.eye(tracks.shape[1], device=tracks.device)
            self._shared = self.unobserved_weight * (tracks.T @ tracks) + self.ridge * eye, self.ridge * mean
        base, pull = self._shared
        return self.compared(ridge_vectors(query, tracks, base, pull=pull))

    def _forget(self) -> None:
        super()._forget()
        self._shared = None
