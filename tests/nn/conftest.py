"""What the tests of layers share: numbers of double precision, and both families of kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch

from playlistrec.graph import ops


@pytest.fixture
def in_double() -> Iterator[None]:
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(params=["dgl", "torch"])
def kernel(request: pytest.FixtureRequest) -> Iterator[str]:
    with ops.force_torch() if request.param == "torch" else nullcontext():
        yield request.param
