"""A factorisation machine whose weights are drawn, for tests of its formula."""

from __future__ import annotations

from typing import Any

import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.models.factorization.fm import FM


def built(kind: type[FM], corpus: Corpus, **options: object) -> Any:
    """A model whose weights, those of order 1 too, are drawn far from 0."""
    model = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 8, **options}), seed=2)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in [*model.tables.values(), *model.linear.values()]:
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model.eval()
