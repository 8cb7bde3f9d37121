"""A DGL project of its own that takes layers, loader and negatives from playlistrec: users, movies, genres.

Ratings are edge weights, the three kinds of node have features of three widths, and one rating of each user is held
out. What is printed is how often the held-out movie is among a user's ten best, beside ranking by popularity.

    python examples/movies.py
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import playlistrec  # noqa: F401 - before dgl: it names DGL's backend, for which DGL would ask otherwise
from playlistrec.graph import UniformNegatives, edge_loader, seeded
from playlistrec.nn import DotScore, HeteroConv, SAGEConv

import dgl  # isort: skip

N_USERS, N_MOVIES, N_GENRES, DIM, EPOCHS = 1200, 500, 12, 32, 8
WIDTHS = {"user": 6, "movie": 10, "genre": N_GENRES}


def data(seed: int) -> tuple[dgl.DGLGraph, Tensor, Tensor]:
    """Invented taste: users have two genres, movies one or two, some movies are popular; ratings follow taste.

    Returns:
        The graph with all ratings; the ids of the ratings held out, one a user; (n_movies,) ratings of each movie.
    """
    random = torch.Generator().manual_seed(seed)
    taste = F.one_hot(torch.randint(N_GENRES, (N_USERS, 2), generator=random), N_GENRES).sum(1).clamp(max=1).float()
    genre = F.one_hot(torch.randint(N_GENRES, (N_MOVIES, 2), generator=random), N_GENRES).sum(1).clamp(max=1).float()
    match, appeal = taste @ genre.T, torch.rand(N_MOVIES, generator=random).pow(2) + 0.05
    chosen = torch.multinomial((match + 0.05) * appeal, 16, generator=random)
    user, movie = torch.arange(N_USERS).repeat_interleave(16), chosen.flatten()
    of_movie, of_genre = genre.nonzero(as_tuple=True)
    graph = dgl.heterograph(
        {
            ("user", "rates", "movie"): (user, movie),
            ("movie", "rated_by", "user"): (movie, user),
            ("movie", "has", "genre"): (of_movie, of_genre),
            ("genre", "of", "movie"): (of_genre, of_movie),
        },
        num_nodes_dict={"user": N_USERS, "movie": N_MOVIES, "genre": N_GENRES},
    )
    rating = (2 + 2 * match[user, movie] + torch.randn(len(user), generator=random)).clamp(1, 5).round()
    for etype in ("rates", "rated_by"):
        graph.edges[etype].data["rating"] = rating / 5
    for kind, known in (("user", taste), ("movie", genre)):
        mix = torch.randn(N_GENRES, WIDTHS[kind], generator=random)
        graph.nodes[kind].data["feat"] = known @ mix + torch.randn(len(known), WIDTHS[kind], generator=random)
    graph.nodes["genre"].data["feat"] = torch.eye(N_GENRES)
    held_out = torch.arange(N_USERS) * 16 + torch.randint(16, (N_USERS,), generator=random)
    kept = torch.ones(len(user), dtype=torch.bool).index_fill_(0, held_out, False)
    return graph, held_out, torch.bincount(movie[kept], minlength=N_MOVIES)


class Net(nn.Module):
    """A vector for each user and movie beside the features, and two rounds of SAGE over all relations."""

    def __init__(self, graph: dgl.DGLGraph) -> None:
        super().__init__()
        self.own = nn.ModuleDict({kind: nn.Embedding(graph.num_nodes(kind), DIM) for kind in ("user", "movie")})
        widths = {kind: width + (DIM if kind in self.own else 0) for kind, width in WIDTHS.items()}
        first = {etype: SAGEConv((widths[etype[0]], widths[etype[2]]), DIM) for etype in graph.canonical_etypes}
        second = {etype: SAGEConv(DIM, DIM) for etype in graph.canonical_etypes}
        self.layers = nn.ModuleList([HeteroConv(first, "mean"), HeteroConv(second, "mean")])

    def forward(self, graphs: list[dgl.DGLGraph], ids: dict[str, Tensor], feat: dict[str, Tensor]) -> dict[str, Tensor]:
        """Vectors of the nodes that the last graph leads to; ``ids`` and ``feat`` of the nodes that the first has."""
        h = {k: torch.cat([x, self.own[k](ids[k])], 1) if k in self.own else x for k, x in feat.items()}
        for i, (layer, graph) in enumerate(zip(self.layers, graphs)):
            weights = {etype: {"edge_weight": graph.edges[etype].data["rating"]} for etype in ("rates", "rated_by")}
            h = layer(graph, {k: F.relu(x) if i else x for k, x in h.items()}, mod_kwargs=weights)
        return h


def main(seed: int = 0) -> tuple[float, float]:
    """Train, and return the hit rate at 10 of the network and of popularity."""
    graph, held_out, popularity = data(seed)
    kept = torch.ones(graph.num_edges("rates"), dtype=torch.bool).index_fill_(0, held_out, False)
    negatives = UniformNegatives.from_graph(graph, "rates", k=4, exclude_eids=held_out)
    loader = edge_loader(graph, "rates", [10, 10], 1024, negatives, edges=kept, exclude_eids=held_out)
    with seeded(seed):
        net, score = Net(graph), DotScore()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        for epoch in range(EPOCHS):
            total = 0.0
            for ids, positive, negative, blocks in loader:
                vectors = net(blocks, ids, blocks[0].srcdata["feat"])
                pair = vectors["user"], vectors["movie"]
                better = score(positive["rates"], pair).repeat_interleave(4) - score(negative["rates"], pair).flatten()
                loss = -F.logsigmoid(better).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item()
            print(f"epoch {epoch + 1}: BPR loss {total / len(loader):.4f}")
    train = graph
    for etype in ("rates", "rated_by"):
        train = dgl.remove_edges(train, held_out, etype)
    with torch.no_grad():
        vectors = net([train, train], {k: train.nodes(k) for k in train.ntypes}, train.ndata["feat"])
    known = torch.zeros(N_USERS, N_MOVIES, dtype=torch.bool).index_put_(train.edges(etype="rates"), torch.tensor(True))

    def hit_rate(scores: Tensor) -> float:
        best = scores.masked_fill(known, -torch.inf).topk(10).indices
        return (best == graph.find_edges(held_out, etype="rates")[1][:, None]).any(1).float().mean().item()

    return hit_rate(vectors["user"] @ vectors["movie"].T), hit_rate(popularity.float().expand(N_USERS, -1))


if __name__ == "__main__":
    ours, popular = main()
    print(f"hit rate at 10: network {ours:.3f}, popularity {popular:.3f}")
    assert ours > 2 * popular, f"the network must clearly beat popularity (got {ours:.3f} and {popular:.3f})"
