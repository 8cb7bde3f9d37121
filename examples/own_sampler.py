"""A negative sampler of your own, made of two others, in a training loop of your own.

Each negative is a hard one, two hops away, with a certain probability, and a uniform one otherwise. The loop is
the plainest there is: LightGCN's vectors, BPR, Adam; what ``playlistrec fit`` adds is left out.

    python examples/own_sampler.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import Tensor

import playlistrec as pr
from playlistrec.graph import NegativeSampler, TwoHopNegatives, UniformNegatives
from playlistrec.models.graph.lightgcn import LightGCN
from playlistrec.train.losses import bpr

EPOCHS, BATCH, L2 = 15, 4096, 1e-4


class MixedNegatives(NegativeSampler):
    """Draws from ``hard`` with probability ``share``, else from ``easy``. What neither draws, this does not draw.

    Whoever derives from ``NegativeSampler`` writes ``sample``, and can be given to DGL's data loading as well.
    """

    def __init__(self, hard: NegativeSampler, easy: NegativeSampler, share: float) -> None:
        if hard.k != easy.k:
            raise ValueError(f"both samplers must draw equally many (got {hard.k} and {easy.k})")
        self.hard, self.easy, self.share, self.k = hard, easy, share, hard.k

    def sample(self, src: Tensor, generator: torch.Generator | None = None) -> Tensor:
        hard, easy = self.hard.sample(src, generator), self.easy.sample(src, generator)
        chance = torch.rand(easy.shape, generator=generator, device=src.device)
        return torch.where(chance < self.share, hard, easy)


def fit(corpus: pr.Corpus, sampler: NegativeSampler, seed: int = 0) -> LightGCN:
    """LightGCN, fitted to the pairs of a corpus with the negatives of ``sampler``."""
    model = LightGCN.from_corpus(corpus, LightGCN.config_class.from_options({"dim": 32, "layers": 2}), seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    generator = torch.Generator().manual_seed(seed)
    playlist, track = (torch.as_tensor(ids, dtype=torch.int64) for ids in corpus.pairs)
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(track), generator=generator).split(BATCH):
            p, t, negatives = playlist[batch], track[batch], sampler.sample(playlist[batch], generator)
            playlists, tracks = model.embed()
            score = (playlists[p] * tracks[t]).sum(-1), (playlists[p].unsqueeze(1) * tracks[negatives]).sum(-1)
            penalty = sum(table.square().mean() for table in model.regularised_embeddings())
            optimizer.zero_grad()
            (bpr(*score) + L2 * penalty).backward()
            optimizer.step()
    return model.eval()


def main() -> dict[str, float]:
    """Validation recall@20 by what share of the negatives is hard."""
    folder = Path(tempfile.mkdtemp())
    data = pr.preprocess(pr.synthesize(folder / "slices", playlists=500, seed=0), folder / "data", k_core=5)
    training, evaluation_set = data.split.training(data.corpus), data.split.evaluation_set(data.corpus, "valid")
    src, dst = (torch.as_tensor(ids, dtype=torch.int64) for ids in training.pairs)
    edges = src, dst, training.n_playlists, training.n_tracks
    recall = {}
    for share in (0.0, 0.5):
        sampler = MixedNegatives(TwoHopNegatives(*edges, k=2), UniformNegatives(*edges, k=2), share)
        recall[share] = pr.evaluate(fit(training, sampler), evaluation_set, ks=(20,)).metrics["recall@20"]
        print(f"{share:.0%} hard negatives: validation recall@20 {recall[share]:.4f}")
    return recall


if __name__ == "__main__":
    recall = main()
    assert min(recall.values()) > 0.15, recall
