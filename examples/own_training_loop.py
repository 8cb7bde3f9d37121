"""The whole training loop on one screen: a corpus, a model, an objective, and one epoch after another.

python examples/own_training_loop.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import playlistrec as pr
from playlistrec.models.graph.lightgcn import LightGCN
from playlistrec.train import L2, Cosine, FullSoftmax, Trainer


def main() -> float:
    with tempfile.TemporaryDirectory() as folder:
        data = pr.preprocess(pr.synthesize(Path(folder) / "slices", playlists=400, seed=0), Path(folder) / "data")
    corpus = data.split.training(data.corpus)  # what is hidden for validation and test is not in it

    config = LightGCN.config_class(dim=32, layers=2, similarity="cosine", init="svd", popularity_prior=0.05)
    model = LightGCN.from_corpus(corpus, config, seed=0)
    objective = FullSoftmax(temperature=0.1) + L2(1e-4)
    trainer = Trainer(model, corpus, objective, lr=0.01, schedule=Cosine(), batch_size=128, seed=0)

    valid = data.split.evaluation_set(data.corpus, "valid")
    best = 0.0
    for epoch in trainer.epochs(6, validate=lambda model: pr.evaluate(model, valid, ks=[20]).metrics):
        print("epoch {epoch}: loss {loss:.3f}, ndcg@20 {ndcg@20:.4f}, {seconds:.1f} s".format(**epoch.data))
        best = max(best, epoch.data["ndcg@20"])
    assert best > 0.08, "popularity has .01 here"
    return best


if __name__ == "__main__":
    main()
