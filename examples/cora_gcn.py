"""playlistrec's graph convolution as it was first used: classes of papers from their words and citations.

Two layers, 16 units between them, on the public split of Cora (20 labelled papers a class), as in Kipf & Welling
2017, section 5.2; trained with ten seeds, 200 epochs each. What is printed is the accuracy on the 1,000 test papers
after the last epoch; the validation papers are not used.

    python examples/cora_gcn.py cora.npz

The file holds ``edges`` (n, 2), both directions of a citation; ``labels``; the rows and columns ``feat_row`` and
``feat_col`` where the bag-of-words matrix of ``feat_shape`` is 1; and the node ids ``train`` and ``test``.
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

SEEDS, EPOCHS, HIDDEN, DROPOUT, LR, WEIGHT_DECAY = 10, 200, 16, 0.5, 0.01, 5e-4
FLOOR = 0.81


class Net(nn.Module):
    """``Â ReLU(Â X W_0) W_1`` with dropout before each layer. Kipf & Welling 2017, eq. 9."""

    def __init__(self, n_words: int, n_classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([GCNConv(n_words, HIDDEN), GCNConv(HIDDEN, n_classes)])

    def forward(self, graph: dgl.DGLGraph, words: Tensor) -> Tensor:
        """(n, n_classes) logits."""
        hidden = F.relu(self.layers[0](graph, F.dropout(words, DROPOUT, self.training)))
        return self.layers[1](graph, F.dropout(hidden, DROPOUT, self.training))


def read(path: Path) -> tuple[dgl.DGLGraph, Tensor, Tensor, Tensor, Tensor]:
    """Graph, (n, n_words) word counts whose rows add up to 1, (n,) labels, and the ids to train and to test on."""
    with np.load(path, allow_pickle=False) as arrays:
        edges, labels, train, test = (torch.from_numpy(arrays[k]).long() for k in ("edges", "labels", "train", "test"))
        words = torch.zeros(*arrays["feat_shape"].tolist())
        words[torch.from_numpy(arrays["feat_row"]).long(), torch.from_numpy(arrays["feat_col"]).long()] = 1
    return dgl.graph((edges[:, 0], edges[:, 1]), num_nodes=len(words)), F.normalize(words, p=1), labels, train, test


def accuracy(seed: int, graph: dgl.DGLGraph, words: Tensor, labels: Tensor, train: Tensor, test: Tensor) -> float:
    """Share of the test papers whose class is found."""
    with seeded(seed):
        net = Net(words.shape[1], int(labels.max()) + 1)
        first, second = ([*layer.parameters()] for layer in net.layers)
        optimizer = torch.optim.Adam([{"params": first, "weight_decay": WEIGHT_DECAY}, {"params": second}], lr=LR)
        for _ in range(EPOCHS):
            loss = F.cross_entropy(net(graph, words)[train], labels[train])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        return float((net(graph, words)[test].argmax(1) == labels[test]).float().mean())


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(f"the data must be given, a file cora.npz (got {' '.join(sys.argv[1:]) or 'nothing'})")
    data = read(Path(sys.argv[1]))
    found = []
    for seed in range(SEEDS):
        found.append(accuracy(seed, *data))
        print(f"seed {seed}: accuracy {found[-1]:.3f}")
    print(f"mean of {SEEDS} seeds: {np.mean(found):.4f}, standard deviation {np.std(found):.4f}")
    assert np.mean(found) >= FLOOR, f"the mean accuracy must be at least {FLOOR} (got {np.mean(found):.4f})"
