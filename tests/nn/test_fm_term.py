"""The order-2 term of factorisation machines against the sum over pairs, written out."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from playlistrec.nn import pair_interactions


@pytest.mark.parametrize("fields", [1, 2, 5])
def test_is_the_sum_over_all_pairs(fields: int) -> None:
    vectors = torch.randn(3, 2, fields, 7, dtype=torch.float64, requires_grad=True)
    expected = torch.zeros(3, 2, dtype=torch.float64)
    for i, j in combinations(range(fields), 2):
        expected = expected + (vectors[..., i, :] * vectors[..., j, :]).sum(-1)
    found = pair_interactions(vectors)
    torch.testing.assert_close(found, expected)
    weight = torch.randn_like(found)
    (gradient,) = torch.autograd.grad((found * weight).sum(), vectors)
    others = vectors.sum(-2, keepdim=True) - vectors  # the gradient of a vector is the sum of the others
    torch.testing.assert_close(gradient, weight[..., None, None] * others)


def test_a_single_field_has_no_pairs() -> None:
    assert pair_interactions(torch.randn(4, 1, 3, dtype=torch.float64)).abs().max() < 1e-12


def test_order_of_the_fields_does_not_matter() -> None:
    vectors = torch.randn(6, 4, dtype=torch.float64)
    torch.testing.assert_close(pair_interactions(vectors), pair_interactions(vectors[torch.randperm(6)]))
