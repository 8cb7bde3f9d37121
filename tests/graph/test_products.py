import pytest
import torch

from playlistrec.graph.products import FEWEST, SCRATCH, TILE, products

MANY = FEWEST * TILE


@pytest.mark.parametrize("n", [1, FEWEST, 70])
@pytest.mark.parametrize("m", [1, TILE, MANY, MANY + TILE - 1, 2 * MANY + 3])
@pytest.mark.parametrize("biased", [False, True])
def test_products_of_any_size_are_the_plain_ones(n: int, m: int, biased: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    queries, keys, bias = (torch.randn(*size, generator=generator) for size in ((n, 8), (m, 8), (m,)))
    expected = queries @ keys.T + (bias if biased else 0)
    out = torch.full((n, m), torch.nan)
    given = bias if biased else None
    assert products(queries, keys, given, out) is out
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(products(queries, keys, given), expected)


def test_the_last_round_of_tiles_may_be_short() -> None:
    n = SCRATCH // TILE // 3 + 1  # two tiles at once
    queries, keys = torch.ones(n, 1), torch.arange((MANY + TILE) * 1.0).unsqueeze(1)
    assert torch.equal(products(queries, keys), keys.T.expand(n, -1))
    assert torch.equal(products(torch.ones(SCRATCH // TILE + 1, 1), keys)[-1], keys.squeeze(1))
