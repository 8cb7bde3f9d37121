"""The sampled protocol: each hidden track is ranked among a few tracks that its playlist never touched."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from ..config import require
from ..corpus.corpus import Corpus
from ..corpus.split import EvaluationSet
from ..errors import ConfigError
from ..events import Event, OnEvent, ignore
from ..models.base import Recommender
from ..processes import ALONE, Group
from . import metrics as formulas
from .complement import Complement, draw_ranks
from .evaluation import AT_K, Evaluation, ScoredBatch, check_ks, in_turn, scored_batches
from .recommend import on, ranked

__all__ = ["evaluate_sampled", "sampled_of"]

SAMPLED_METRICS = ("hit", "ndcg", "mrr")


def sampled_of(protocol: str) -> tuple[int, int] | None:
    """Negatives and draws: (99, 1) of ``"sampled:99"``, (99, 20) of ``"sampled:99x20"``, None of ``"full"``.

    Raises ConfigError for another text.
    """
    if protocol == "full":
        return None
    match = re.fullmatch(r"sampled:([0-9]{1,9})(?:x([0-9]{1,4}))?", protocol)
    n_negatives, draws = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
    if min(n_negatives, draws) < 1:
        rule = "full, sampled:N, such as sampled:99, or sampled:NxD, such as sampled:99x20"
        raise ConfigError(f"protocol must be {rule} (got {protocol!r})")
    return n_negatives, draws


def evaluate_sampled(
    model: Recommender,
    evaluation_set: EvaluationSet,
    corpus: Corpus,
    n_negatives: int = 99,
    *,
    draws: int = 1,
    ks: Sequence[int] = (10, 20),
    batch_size: int | None = None,
    seed: int = 0,
    on_event: OnEvent = ignore,
    group: Group = ALONE,
) -> Evaluation:
    """Rank each hidden track on its own among ``n_negatives`` others: ``hit``, ``ndcg``, ``mrr``, ``coverage`` at k.

    The negatives of a hidden track are drawn uniformly, without repetition, from the tracks that its playlist holds
    in no part, train, valid or test; where there are fewer, all of them are taken and a warning counts the
    playlists. A playlist with several hidden tracks counts once, by their mean. Coverage is the share of all tracks
    that stand in some list's first k. Ties go to the lower track number, and a track scored ``-inf`` is not
    ranked, as in full ranking. Protocol of He et al. 2017, "Neural collaborative filtering", section 4.1.

    Its figures are far higher than those of full ranking, cannot be compared with them, and may order models
    differently: Krichene & Rendle 2020, "On sampled metrics for item recommendation".

    Args:
        model: scores (batch, n_tracks) tensors that the caller may change, on any device.
        queries: as from :meth:`~playlistrec.corpus.split.Split.queries`.
        corpus: all of the corpus that the queries are from: it says which tracks a playlist has touched.
        draws: how often negatives are drawn; all figures are means over the draws, coverage too.
        batch_size: queries scored at once; None: 32 MB of scores, 512 MB on a GPU. The negatives do not depend on it.
        seed: of the first draw of negatives, ``seed + 1`` of the second, and so on; the same for every model, so that
            they have the same candidates.
        on_event: gets a ``"progress"`` event after each batch.
        group: the processes that take the batches in turn, as in :func:`~.protocols.evaluate`.

    Raises:
        ConfigError: a number that cannot be. DataError: there are no queries. RunError: the model gave a NaN.
    """
    start = time.perf_counter()
    check_ks(ks)
    require(n_negatives >= 1, "n_negatives", "at least 1", n_negatives)
    require(draws >= 1, "draws", "at least 1", draws)
    values: dict[str, list[np.ndarray]] = {}
    shown = {k: torch.zeros(draws, model.n_tracks, dtype=torch.bool) for k in ks}
    short = 0
    for batch in scored_batches(model, evaluation_set, batch_size, on_event, group):
        free = _complement(batch, corpus)
        short += int((free.size < n_negatives).sum())
        n_hidden = np.bincount(batch.truth_rows)
        found = {f"{name}@{k}": np.zeros(len(n_hidden)) for k in ks for name in SAMPLED_METRICS}
        for draw in range(draws):
            stream = np.random.PCG64(seed + draw).advance(batch.n_before * n_negatives)
            top = _top(model, batch, free, n_negatives, max(ks), np.random.Generator(stream))
            hits = top == on(batch.scores, batch.truth)[:, None]
            one = torch.ones(len(hits), dtype=torch.int64, device=hits.device)
            for k in ks:
                for name in SAMPLED_METRICS:
                    of_track = AT_K[name](hits, one, k).cpu().numpy()
                    found[f"{name}@{k}"] += np.bincount(batch.truth_rows, of_track) / n_hidden / draws
                shown[k][draw] |= formulas.recommended(top, model.n_tracks, k).cpu()
        for key, of_playlist in found.items():
            values.setdefault(key, []).append(of_playlist)
    parts = group.gather((values, shown, short))
    if group.rank:
        return cast(Evaluation, group.same(None))
    short = sum(part[2] for part in parts)
    if short:
        what = "1 playlist has" if short == 1 else f"{short:,} playlists have"
        text = f"{what} fewer than {n_negatives} tracks never touched: all of them are the negatives"
        on_event(Event("warning", text, {"short": short}))
    per_query = {name: np.concatenate(in_turn([part[0].get(name, []) for part in parts])) for name in values}
    shown = {k: torch.stack([part[1][k] for part in parts]).any(0) for k in ks}
    found_by_all = Evaluation(
        n_queries=len(evaluation_set),
        n_left_out=evaluation_set.n_left_out,
        metrics={name: float(of_query.mean()) for name, of_query in per_query.items()}
        | {f"coverage@{k}": float(tracks.double().mean()) for k, tracks in shown.items()},
        seconds=time.perf_counter() - start,
        per_query=per_query,
        protocol=f"sampled:{n_negatives}" + (f"x{draws}" if draws > 1 else ""),
    )
    return cast(Evaluation, group.same(found_by_all))


def _top(
    model: Recommender, batch: ScoredBatch, free: Complement, n_negatives: int, depth: int, random: np.random.Generator
) -> torch.Tensor:
    """(hidden tracks, depth) the tracks that come first among each hidden one and its negatives; -1 where none is."""
    ranks = draw_ranks(free.size[batch.truth_rows], n_negatives, random)
    rows = np.broadcast_to(batch.truth_rows[:, None], ranks.shape)
    drawn = ranks >= 0
    tracks = np.full((len(ranks), n_negatives + 1), -1)
    tracks[:, 0] = batch.truth
    tracks[:, 1:][drawn] = free.tracks(rows[drawn], ranks[drawn])
    tracks.sort(axis=1)  # so that ties go to the lower track; what is missing (-1) comes first
    candidates = on(batch.scores, tracks)
    scores = batch.scores[on(batch.scores, batch.truth_rows)[:, None], candidates]
    place = ranked(model, scores.masked_fill_(candidates < 0, -torch.inf), depth)[1]
    return candidates.gather(1, place.clamp(min=0)).masked_fill_(place < 0, -1)


def _complement(batch: ScoredBatch, corpus: Corpus) -> Complement:
    held = [corpus.playlist(playlist) for playlist in batch.playlists.tolist()]
    rows = np.repeat(np.arange(len(held)), [len(tracks) for tracks in held])
    return Complement(rows, np.concatenate(held).astype(np.int64), len(held), corpus.n_tracks)
