"""Processes that share a fit, an evaluation or a batch of queries, over ``torch.distributed``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ..errors import RunError
from ..train.optimizer import RowAdam
from ..train.ranks import ALONE, Ranks

__all__ = ["ProcessGroup", "current", "joined"]

TIMEOUT = timedelta(minutes=30)
"""How long a process waits for one that reads or writes."""


def current() -> Ranks:
    """The processes that this one has joined: those of :func:`joined`, or of a default group made by other means."""
    alone = not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1
    return ALONE if alone else ProcessGroup()


@contextmanager
def joined(work: str = "fit", action: str = "resume the fit") -> Iterator[Ranks]:
    """The processes that ``torchrun`` started together; this one alone where it did not start several.

    Args:
        work, action: what they share, and what is to be done where one of them ends.

    Raises RunError inside the block where another process has ended.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield ALONE
        return
    begun = not dist.is_initialized()
    if begun:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=TIMEOUT)
    try:
        yield ProcessGroup()
    except (dist.DistBackendError, RuntimeError) as error:
        if isinstance(error, RunError) or not _lost(error):
            raise
        rank = os.environ.get("RANK", "?")
        raise RunError(f"process {rank} ends, because another process of this {work} has ended: {action}") from None
    finally:
        if begun and dist.is_initialized():
            dist.destroy_process_group()


def _lost(error: BaseException) -> bool:
    words = ("connection closed", "connection reset", "broken pipe", "socket", "timed out", "gloo", "nccl")
    return isinstance(error, dist.DistBackendError) or any(word in str(error).lower() for word in words)


class ProcessGroup(Ranks):
    """Several processes with one copy of the model each.

    Dense gradients are summed by all. A row of a table with sparse gradients has an owner, the process ``row % size``:
    it gets the row's gradients from all, moves the row, and gives it to the others. So a step exchanges the rows that
    its batch touched, and the moments of a row are kept by its owner alone.
    """

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def mean(self, loss: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
        total = torch.stack([mass.to(torch.float64), mass * loss.to(torch.float64)])
        dist.all_reduce(total)
        return (total[1] / total[0]).to(loss.dtype), (mass / total[0]).to(loss.dtype)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        dense = [parameter for parameter in parameters if parameter.grad is None or not parameter.grad.is_sparse]
        rows: dict[Tensor, Tensor] = {}
        for parameter in parameters:
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = self._owned(parameter.grad)
                rows[parameter] = parameter.grad.indices()[0]
        self._sum(dense)
        optimizer.step()
        for parameter, owned in rows.items():
            self._publish(parameter, owned)

    def moments(self, optimizer: torch.optim.Optimizer) -> Mapping[int, Mapping[str, Any]]:
        state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
        if not isinstance(optimizer, RowAdam):
            return state
        return {index: self._whole(moments) for index, moments in state.items()}

    def same(self, value: Any) -> Any:
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def gather(self, value: Any) -> list[Any]:
        values: list[Any] = [None] * self.size
        dist.gather_object(value, None if self.rank else values)
        return [] if self.rank else values

    def _sum(self, parameters: list[Tensor]) -> None:
        """Sum dense gradients, in one message."""
        if not parameters:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        for parameter, summed in zip(parameters, torch.split(flat, [gradient.numel() for gradient in gradients])):
            parameter.grad = summed.view_as(parameter)

    def _owned(self, gradient: Tensor) -> Tensor:
        """The sum of all processes' gradients of the rows that this one owns."""
        gradient = gradient.coalesce()
        rows, values = gradient.indices()[0], gradient.values()
        owner = rows % self.size
        parts = [(rows[owner == rank], values[owner == rank]) for rank in range(self.size)]
        counts = torch.tensor([len(part) for part, _ in parts], device=rows.device)
        sent = [torch.empty_like(counts) for _ in range(self.size)]
        dist.all_gather(sent, counts)
        got, messages = [parts[self.rank]], []
        for peer in range(self.size):
            if peer == self.rank:
                continue
            n = int(sent[peer][self.rank])
            place = rows.new_empty(n), values.new_empty(n, *values.shape[1:])
            for mine, theirs in zip(parts[peer], place):
                messages += [dist.P2POp(dist.isend, mine.contiguous(), peer)] if len(mine) else []
                messages += [dist.P2POp(dist.irecv, theirs, peer)] if n else []
            got.append(place)
        for work in dist.batch_isend_irecv(messages) if messages else []:
            work.wait()
        indices, summed = (torch.cat(part) for part in zip(*got))
        return torch.sparse_coo_tensor(indices.unsqueeze(0), summed, gradient.shape, check_invariants=False).coalesce()

    @torch.no_grad()
    def _publish(self, parameter: Tensor, owned: Tensor) -> None:
        """Give the owned rows that moved to all."""
        counts = [torch.zeros(1, dtype=torch.int64, device=owned.device) for _ in range(self.size)]
        dist.all_gather(counts, torch.tensor([len(owned)], device=owned.device))
        for rank, count in enumerate(counts):
            here, n = rank == self.rank, int(count)
            if not n:
                continue
            rows = owned.contiguous() if here else owned.new_empty(n)
            values = parameter[owned] if here else parameter.new_empty(n, *parameter.shape[1:])
            dist.broadcast(rows, rank)
            dist.broadcast(values, rank)
            if not here:
                parameter[rows] = values

    def _whole(self, moments: Mapping[str, Any]) -> dict[str, Any]:
        """The moments of all rows, each from its owner; those of dense parameters are the same everywhere."""
        if len(moments["step"]) == 1:
            return dict(moments)
        theirs = torch.arange(len(moments["step"]), device=moments["step"].device) % self.size != self.rank
        whole = {}
        for name, tensor in moments.items():
            whole[name] = tensor.clone()
            whole[name][theirs] = 0
            dist.all_reduce(whole[name])
        return whole
