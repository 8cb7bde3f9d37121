"""Graph convolution on Cora from the files as they are distributed, with a curve of every epoch.

Two layers with 256 units between them, dropout .2, 100 epochs, as a student's notes have it; the layer is
playlistrec's (Kipf & Welling 2017, eq. 2). Of each class 20 papers are for training; 500 others validate, and 1,000
test. They are drawn anew for each of three seeds. What is printed is loss and accuracy by epoch, and the test accuracy
after the last one; nothing is chosen by the validation papers.

    python examples/cora_content.py FOLDER

The folder holds ``cora.content``, a line a paper (id, words as 0 or 1, class), and ``cora.cites``, a line a citation
(the cited paper, the citing one), both with tabs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import playlistrec  # noqa: F401 - before dgl: it names DGL's backend, for which DGL would ask otherwise
from playlistrec.graph import seeded
from playlistrec.nn import GCNConv

import dgl  # isort: skip

SEEDS, EPOCHS, HIDDEN, DROPOUT, LR, WEIGHT_DECAY = 3, 100, 256, 0.2, 0.01, 5e-4
PER_CLASS, N_VALID, N_TEST = 20, 500, 1000
FLOOR = 0.78


class Net(nn.Module):
    """``Â ReLU(Â X W_0) W_1`` with dropout before each layer."""

    def __init__(self, n_words: int, n_classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([GCNConv(n_words, HIDDEN), GCNConv(HIDDEN, n_classes)])

    def forward(self, graph: dgl.DGLGraph, words: Tensor) -> Tensor:
        """(n, n_classes) logits."""
        hidden = F.relu(self.layers[0](graph, F.dropout(words, DROPOUT, self.training)))
        return self.layers[1](graph, F.dropout(hidden, DROPOUT, self.training))


def read(folder: Path) -> tuple[dgl.DGLGraph, Tensor, Tensor]:
    """The graph, both ways of each citation once; (n, n_words) words whose rows add up to 1; (n,) labels."""
    rows = [line.split("\t") for line in (folder / "cora.content").read_text().splitlines()]
    place = {row[0]: i for i, row in enumerate(rows)}
    words = torch.from_numpy(np.array([row[1:-1] for row in rows]).astype(np.float32))
    classes, labels = np.unique([row[-1] for row in rows], return_inverse=True)
    cites = [line.split("\t") for line in (folder / "cora.cites").read_text().splitlines()]
    pairs = {(place[a], place[b]) for a, b in cites if a in place and b in place and a != b}
    src, dst = torch.tensor(sorted(pairs | {(b, a) for a, b in pairs})).T
    print(f"{len(rows):,} papers, {words.shape[1]:,} words, {len(classes)} classes, {len(src) // 2:,} citations")
    return dgl.graph((src, dst), num_nodes=len(rows)), F.normalize(words, p=1), torch.from_numpy(labels)


def divided(labels: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Papers to train on, as many of each class, to validate and to test on."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    train = torch.cat([order[labels[order] == c][:PER_CLASS] for c in labels.unique()])
    rest = order[~torch.isin(order, train)]
    return train, rest[:N_VALID], rest[N_VALID : N_VALID + N_TEST]


def fitted(seed: int, graph: dgl.DGLGraph, words: Tensor, labels: Tensor) -> float:
    """Train once; the share of the test papers whose class is found."""
    train, valid, test = divided(labels, seed)
    with seeded(seed):
        net = Net(words.shape[1], int(labels.max()) + 1)
        optimizer = torch.optim.Adam(net.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
        for epoch in range(1, EPOCHS + 1):
            net.train()
            loss = F.cross_entropy(net(graph, words)[train], labels[train])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if seed == 0 and (epoch == 1 or epoch % 10 == 0):
                logits = judged(net, graph, words)
                right = (logits.argmax(1) == labels).float()
                losses = (
                    f"loss {loss.item():.3f} train, {float(F.cross_entropy(logits[valid], labels[valid])):.3f} valid"
                )
                print(f"epoch {epoch}: {losses}; accuracy {right[train].mean():.3f}, {right[valid].mean():.3f}")
    return float((judged(net, graph, words).argmax(1) == labels)[test].float().mean())


def judged(net: Net, graph: dgl.DGLGraph, words: Tensor) -> Tensor:
    """(n, n_classes) logits without dropout."""
    net.eval()
    with torch.no_grad():
        logits: Tensor = net(graph, words)
    return logits


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "cora.content").is_file():
        given = " ".join(sys.argv[1:]) or "nothing"
        sys.exit(f"the data must be given, a folder with cora.content and cora.cites (got {given})")
    data = read(Path(sys.argv[1]))
    found = []
    for seed in range(SEEDS):
        found.append(fitted(seed, *data))
        print(f"seed {seed}: test accuracy {found[-1]:.3f}")
    print(f"mean of {SEEDS} seeds: {np.mean(found):.4f}, standard deviation {np.std(found):.4f}")
    assert np.mean(found) >= FLOOR, f"the mean accuracy must be at least {FLOOR} (got {np.mean(found):.4f})"
