"""playlistrec's layers, negatives and edge loader inside a DGL project that knows nothing of playlists.

Users rate movies; the heterograph is the project's own. Two layers run inside ``dgl.nn.HeteroGraphConv``, trained
on sampled neighbourhoods; what is printed is how often the movie that was held out from a user is among the ten
that rank highest for them, beside ranking by popularity.

    python examples/embed_in_dgl_project.py
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import playlistrec  # noqa: F401 - before dgl: it names DGL's backend, for which DGL would ask otherwise
from playlistrec.graph.loader import DegreeNorms, block_norms, edge_loader, relation_norms, seeded
from playlistrec.graph.negatives.random import UniformNegatives
from playlistrec.nn import DotScore, LayerSum, LightGCNConv

import dgl  # isort: skip
import dgl.nn  # isort: skip

N_USERS, N_MOVIES, N_GENRES, DIM, EPOCHS = 1500, 600, 12, 32, 8


def ratings(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Invented taste: users have two genres, movies one, and some movies are more popular than others.

    Returns:
        (n_users, n_movies) bool: the ratings to learn from; (n_users,) the movie held out from each user; and
        (n_movies,) the popularity among the ratings to learn from.
    """
    taste = F.one_hot(torch.randint(N_GENRES, (N_USERS, 2), generator=generator), N_GENRES).sum(1).float()
    genre = F.one_hot(torch.randint(N_GENRES, (N_MOVIES,), generator=generator), N_GENRES).float()
    appeal = torch.rand(N_MOVIES, generator=generator).pow(2) + 0.05
    chosen = torch.multinomial((taste @ genre.T + 0.05) * appeal, 16, generator=generator)
    rated = torch.zeros(N_USERS, N_MOVIES, dtype=torch.bool).scatter_(1, chosen[:, 1:], True)
    return rated, chosen[:, 0], rated.sum(0)


class Net(nn.Module):
    """Embeddings, two LightGCN layers over both relations, and the mean of all three."""

    def __init__(self) -> None:
        super().__init__()
        sizes = {"user": N_USERS, "movie": N_MOVIES}
        self.embedding = nn.ModuleDict({node: nn.Embedding(n, DIM) for node, n in sizes.items()})
        for table in self.embedding.values():
            nn.init.xavier_uniform_(table.weight)
        convs = {"rates": LightGCNConv(), "rated_by": LightGCNConv()}
        self.layers = nn.ModuleList(dgl.nn.HeteroGraphConv(convs, aggregate="sum") for _ in range(2))
        self.combine = LayerSum(2)

    def forward(self, blocks: list[dgl.DGLGraph], degree_norms: list[DegreeNorms]) -> dict[str, Tensor]:
        """Vectors of the nodes that the last block leads to."""
        ids = {node: blocks[0].srcnodes[node].data[dgl.NID] for node in ("user", "movie")}
        outputs = [{node: self.embedding[node](ids[node]) for node in ids}]
        for layer, block, norm in zip(self.layers, blocks, degree_norms):
            options = {etype: {"norm": pair} for etype, pair in norm.items()}
            outputs.append(layer(block, outputs[-1], mod_kwargs=options))
        last = {node: blocks[-1].num_dst_nodes(node) for node in ids}
        # A block's destinations come first among its sources, so earlier layers hold them in the first rows.
        return {node: self.combine([out[node][: last[node]] for out in outputs]) for node in ids}


def main(seed: int = 0) -> tuple[float, float]:
    """Train, and return the held-out hit rate at 10 of the network and of popularity."""
    rated, held_out, popularity = ratings(torch.Generator().manual_seed(seed))
    user, movie = rated.nonzero(as_tuple=True)
    graph = dgl.heterograph(
        {("user", "rates", "movie"): (user, movie), ("movie", "rated_by", "user"): (movie, user)},
        num_nodes_dict={"user": N_USERS, "movie": N_MOVIES},
    )
    degree_norms = relation_norms(graph)
    loader = edge_loader(
        graph,
        "rates",
        fanouts=[10, 10],
        batch_size=1024,
        negatives=UniformNegatives.from_graph(graph, "rates", k=1),
        reverse_etypes={"rates": "rated_by"},
    )
    with seeded(seed):
        net, score = Net(), DotScore()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
        for epoch in range(EPOCHS):
            total = 0.0
            for _, positive, negative, blocks in loader:
                vectors = net(blocks, [block_norms(block, degree_norms) for block in blocks])
                pair = vectors["user"], vectors["movie"]
                loss = -F.logsigmoid(score(positive["rates"], pair) - score(negative["rates"], pair)).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item()
            print(f"epoch {epoch + 1}: BPR loss {total / len(loader):.4f}")

    with torch.no_grad():
        everyone = {node: torch.arange(graph.num_nodes(node)) for node in graph.ntypes}
        full = dgl.to_block(graph, everyone)
        vectors = net([full, full], [degree_norms, degree_norms])
        scores = vectors["user"] @ vectors["movie"].T

    def hit_rate(scores: Tensor) -> float:
        top = scores.masked_fill(rated, -torch.inf).topk(10).indices
        return (top == held_out[:, None]).any(1).float().mean().item()

    return hit_rate(scores), hit_rate(popularity.float().expand(N_USERS, -1))


if __name__ == "__main__":
    ours, popular = main()
    print(f"hit rate at 10: network {ours:.3f}, popularity {popular:.3f}")
    assert ours > 0.2, f"the hit rate at 10 must be above 0.2 (got {ours:.3f})"
    assert ours > 3 * popular, f"the network must clearly beat popularity (got {ours:.3f} and {popular:.3f})"
