"""Which negatives the options name, when pools are refreshed, and negatives out of the batch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.graph.negatives.hard import PoolNegatives
from playlistrec.graph.negatives.random import PopularityNegatives, UniformNegatives
from playlistrec.graph.negatives.structural import SameGroupNegatives, TwoHopNegatives
from playlistrec.models.factorization.mf import MF
from playlistrec.train.batches.pairs import Pairs, TrackColumns
from playlistrec.train.negatives import InBatch, Negatives, Pool, Popularity, SameArtist, TwoHop, Uniform


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(6)
    lists = [[f"t{t}" for t in rng.choice(40, size=rng.integers(1, 9))] for _ in range(30)]
    return Corpus.from_lists([*lists, []], {f"t{t}": f"a{t % 8}" for t in range(40)})


@pytest.mark.parametrize(
    ("negatives", "kind"),
    [
        (Uniform, UniformNegatives),
        (InBatch, UniformNegatives),
        (Popularity, PopularityNegatives),
        (Pool, PoolNegatives),
        (SameArtist, SameGroupNegatives),
        (TwoHop, TwoHopNegatives),
    ],
)
def test_negatives_make_their_sampler(negatives: type[Negatives], kind: type, corpus: Corpus) -> None:
    assert type(sampler := negatives(n=3).sampler(corpus)) is kind
    assert sampler.k == 3
    assert negatives(n=3, hardest_of=20).sampler(corpus).k == 20


def test_options_reach_the_sampler(corpus: Corpus) -> None:
    flat = Popularity(power=0.0).sampler(corpus)
    steep = Popularity(power=2.0).sampler(corpus)
    assert isinstance(flat, PopularityNegatives)
    assert isinstance(steep, PopularityNegatives)
    tracks, degree = torch.arange(corpus.n_tracks), np.bincount(corpus.pairs[1], minlength=corpus.n_tracks)
    np.testing.assert_allclose(flat.log_q(tracks).exp(), 1 / corpus.n_tracks, rtol=1e-5)
    np.testing.assert_allclose(steep.log_q(tracks).exp(), degree**2 / (degree**2).sum(), rtol=1e-5)
    pool = Pool(size=7).sampler(corpus)
    assert isinstance(pool, PoolNegatives)
    assert pool.pool_size == 7


def test_negatives_by_artist_share_one_with_the_playlist(corpus: Corpus) -> None:
    sampler = SameArtist(n=50).sampler(corpus)
    playlists = torch.from_numpy(np.unique(corpus.pairs[0]).astype(np.int64))
    alike = []
    for playlist, row in zip(playlists.tolist(), sampler.sample(playlists, torch.Generator().manual_seed(0)).tolist()):
        artists = set(corpus.track_artist[corpus.playlist(playlist)].tolist())
        alike += [int(corpus.track_artist[track]) in artists for track in row]
    assert np.mean(alike) > 0.95


def test_negatives_by_artist_need_artists() -> None:
    corpus = Corpus.from_lists([["a"], ["b", "c"]])
    with pytest.raises(ConfigError, match=r"^negatives=artist needs tracks with artists, and these have none$"):
        SameArtist().sampler(corpus)


def test_pools_are_refreshed_when_they_are_due(corpus: Corpus) -> None:
    pools = Pool(size=4, refresh_every=3, anneal_epochs=6, final_share=1e-9)
    sampler = pools.sampler(corpus)
    model = MF.from_corpus(corpus, MF.config_class.from_options({"dim": 4})).train()
    due = []
    for epoch in range(8):
        before = sampler.state()
        pools.refresh(sampler, model, epoch, torch.Generator().manual_seed(epoch))
        assert model.training
        with torch.no_grad():
            model.tables["track"].mul_(-1)  # what was good is bad in the next epoch
        if not before or not torch.equal(before["pool"], sampler.state()["pool"]):
            due.append(epoch)
    assert due == [0, 3, 6]
    # From `anneal_epochs` on the pools are the best non-edges by the vectors of that epoch, as in epoch 0.
    playlists, tracks = (table.detach().numpy() for table in (model.tables["playlist"], model.tables["track"]))
    pool = sampler.state()["pool"]
    for playlist in range(corpus.n_playlists):
        scores = playlists[playlist] @ tracks.T
        scores[corpus.playlist(playlist)] = -np.inf
        assert set(pool[playlist].tolist()) == set(np.argsort(-scores)[:4].tolist())


def test_what_has_no_pools_is_left_alone(corpus: Corpus) -> None:
    sampler = Uniform().sampler(corpus)
    model = MF.from_corpus(corpus, MF.config_class.from_options({"dim": 4})).train()
    vectors = model.vectors()
    Uniform().refresh(sampler, model, 0, torch.Generator())
    assert model.vectors() is vectors, "nothing was computed"


def test_in_batch_draws_as_tracks_occur(corpus: Corpus) -> None:
    sampler = UniformNegatives(torch.tensor([0]), torch.tensor([2]), 2, 40, k=4000)
    playlist, track = torch.tensor([0, 1, 1, 1, 0]), torch.tensor([5, 5, 5, 7, 2])
    drawn = InBatch().draw(sampler, playlist, track, torch.Generator().manual_seed(0))
    assert drawn.shape == (5, 4000)
    first, second = (Counter(drawn[row].tolist()) for row in (0, 1))
    assert second[2] / 4000 == pytest.approx(1 / 5, abs=0.03)
    assert second[5] / 4000 == pytest.approx(3 / 5, abs=0.03)
    assert set(second) == {2, 5, 7}
    assert first[2] == 0, "a training edge of playlist 0"
    assert first[5] / 4000 == pytest.approx(3 / 4, abs=0.03)
    beyond = sum(count for track, count in first.items() if track not in (5, 7)) / 4000
    assert beyond == pytest.approx((1 / 5) ** 4, abs=2e-3), "four own tracks in a row, then any other"


def test_in_batch_of_own_tracks_alone_draws_from_all() -> None:
    sampler = UniformNegatives(torch.tensor([0, 0]), torch.tensor([0, 1]), 1, 4, k=200)
    drawn = InBatch().draw(sampler, torch.tensor([0, 0]), torch.tensor([0, 1]), torch.Generator().manual_seed(0))
    assert set(drawn.flatten().tolist()) == {2, 3}


def test_in_batch_repeats_with_its_generator(corpus: Corpus) -> None:
    sampler = InBatch(n=3).sampler(corpus)
    playlist, track = (torch.from_numpy(ids[:20].astype(np.int64)) for ids in corpus.pairs)
    one, two, other = (
        InBatch().draw(sampler, playlist, track, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_pairs_of_playlists(corpus: Corpus) -> None:
    pairs = Pairs.of(corpus, torch.device("cpu"))
    own = [sorted(set(corpus.playlist(p).tolist())) for p in range(corpus.n_playlists)]
    assert len(pairs) == sum(map(len, own))
    assert pairs.degree.tolist() == [*map(len, own)]
    asked = [3, 30, 7, 3]  # one without pairs, one twice
    wanted = [(row, track) for row, playlist in enumerate(asked) for track in own[playlist]]
    for size in (None, len(wanted)):
        row, track = pairs.of_playlists(torch.tensor(asked), size)
        assert list(zip(row.tolist(), track.tolist())) == wanted
    few = pairs.where(pairs.dst % 2 == 0)
    row, track = few.of_playlists(torch.tensor(asked))
    assert list(zip(row.tolist(), track.tolist())) == [(r, t) for r, t in wanted if t % 2 == 0]
    share = np.bincount(corpus.pairs[1], minlength=corpus.n_tracks) / len(pairs)
    np.testing.assert_allclose(pairs.log_popularity.exp(), share, rtol=1e-5)
    rare = few.log_popularity[1::2]
    assert rare.isneginf().all()


def test_track_columns(corpus: Corpus) -> None:
    columns, candidates = TrackColumns(40), torch.tensor([7, 3, 30])
    assert columns(torch.tensor([3, 8, 7, 3]), candidates).tolist() == [1, -1, 0, 1]
    assert columns(torch.tensor([3, 8, 7, 3]), torch.tensor([8])).tolist() == [-1, 0, -1, -1], "nothing is left behind"
