"""One process of a data-parallel epoch over uneven edges; prints its batches and a checksum of the weights."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from playlistrec.errors import ConfigError
from playlistrec.graph import UniformNegatives, edge_loader, seeded
from playlistrec.nn import DotScore, GATConv, HeteroConv, SAGEConv

import dgl  # isort: skip


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.ModuleDict({kind: nn.Embedding(60, 8) for kind in ("u", "m")})
        self.layer = HeteroConv({"r": SAGEConv(8, 8), "b": GATConv(8, 8, 2)})

    def forward(self, ids, block, positive, negative):
        h = self.layer(block, {kind: self.embedding[kind](ids[kind]) for kind in ids})
        score, pair = DotScore(), (h["u"], h["m"])
        return -torch.nn.functional.logsigmoid(score(positive["r"], pair) - score(negative["r"], pair)).mean()


def main() -> None:
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    user, movie = torch.nonzero(torch.rand(60, 40) < 0.2).T
    edges = {("u", "r", "m"): (user, movie), ("m", "b", "u"): (movie, user)}
    graph = dgl.heterograph(edges, num_nodes_dict={"u": 60, "m": 40})
    negatives = UniformNegatives.from_graph(graph, "r")
    try:
        edge_loader(graph, "r", [3], 32, negatives)
    except ConfigError as error:
        assert "use_ddp must be given" in str(error)  # noqa: PT017 - this is no test function
    else:
        raise AssertionError("several processes without use_ddp must be refused")
    net = DistributedDataParallel(Net())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for drop_last in (False, True):
        loader = edge_loader(
            graph, "r", [3], 32, negatives, edges=torch.arange(257), exclude_eids=[], use_ddp=True, drop_last=drop_last
        )
        n = 0
        with seeded(dist.get_rank()):
            for ids, positive, negative, (block,) in loader:
                optimizer.zero_grad()
                net(ids, block, positive, negative).backward()
                optimizer.step()
                n += 1
        assert n == len(loader)
        checksum = sum(p.detach().double().sum().item() for p in net.parameters())
        os.write(1, f"drop_last={drop_last} batches={n} checksum={checksum:.12f}\n".encode())  # one write, one line
    dist.destroy_process_group()
    os._exit(0)  # gloo's threads now and then end the interpreter with an abort


if __name__ == "__main__":
    main()
