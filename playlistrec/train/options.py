"""How a gradient model is fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..config import Config, require
from ..errors import ConfigError

__all__ = ["TrainOptions"]

RULES: dict[str, tuple[Callable[[float], bool], str]] = {
    "at least 1": (
        lambda value: value >= 1,
        "epochs batch_size n_negatives pool_size pool_anneal_epochs pool_refresh_every eval_every patience",
    ),
    "above 0": (lambda value: value > 0, "lr temperature teacher_temperature contrast_temperature"),
    "at least 0": (
        lambda value: value >= 0,
        "l2 length_weight_exponent symmetric_weight teacher_weight logq_correction bpr_max_reg uniformity contrast "
        "contrast_noise hard_negative_candidates popularity_power workers",
    ),
    "above 0 and at most 1": (lambda value: 0 < value <= 1, "pool_final_share message_edge_share"),
}
"""What numbers must be, and which."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Config):
    """Options of the training loop.

    Attributes:
        epochs: passes over the training pairs, at most.
        batch_size: positive pairs a step; where negatives are ``shared`` or ``all`` playlists, with all their pairs.
        lr: Adam's learning rate.
        schedule: ``constant``, or ``cosine``: up to ``lr`` over a twentieth of the epochs, then down to a hundredth.
        l2: weight of the penalty on the layer-0 embeddings a batch touches.
        loss: ``bpr``, ``bce``, ``softmax`` or ``directau`` (alignment and uniformity); ``bpr-max`` where all playlists
            of a batch share their negatives.
        temperature: what softmax divides scores by.
        length_weight_exponent: a pair weighs the length of its playlist to minus this power, so that long playlists say
            less: 0 for alike, 1 for every playlist as much (softmax over ``shared`` or ``all``).
        symmetric_weight: weight of the softmax the other way round, of each track of a step among the step's playlists
            (softmax over ``shared`` or ``all``), 0 for none.
        teacher: run folder of another model with vectors, perhaps wider ones, whose softmax over the ``shared`` tracks
            is imitated too; none if empty.
        teacher_weight: weight of that.
        teacher_temperature: what the scores of both are divided by for it.
        logq_correction: how much of the logarithm of a candidate's sampling probability softmax takes off its score:
            0 leaves popular tracks more often in the way, 1 makes up for that.
        bpr_max_reg: weight of BPR-max's penalty on the scores of negatives.
        uniformity: weight of DirectAU's uniformity.
        contrast: weight of the contrastive term between the first and all layers under noise (XSimGCL), 0 for none.
        contrast_noise: length of that noise, layer by layer.
        contrast_temperature: what the contrastive term divides cosines by.
        negatives: where negatives come from: ``uniform``; ``popularity`` to the power ``popularity_power``;
            ``in-batch``; ``shared`` (softmax over tracks drawn by popularity for all playlists of a step) or ``all``
            (softmax over every track); or hard ones: ``pool`` of the best-scored tracks, ``artist`` (others by the
            artist of one of the playlist's tracks), ``two-hop`` (from playlists that share a track).
        n_negatives: negatives per positive, or ``shared`` per step; softmax over ``in-batch`` takes the whole batch's.
        hard_negative_candidates: negatives drawn per positive, of which the ``n_negatives`` best-scored are kept; 0 for
            no choice.
        popularity_power: exponent of ``popularity`` and ``shared``.
        pool_size: tracks in a playlist's pool.
        pool_final_share: share of all tracks, best-scored first, that the pools stand for in the end; 1 at first.
        pool_anneal_epochs: epochs over which that share falls.
        pool_refresh_every: epochs between refreshes of the pools.
        message_edge_share: share of the training pairs that messages pass along, the others being asked for, divided
            anew each epoch; 1 uses all for both.
        precision: ``float32``, or ``bf16`` for the propagation and the products of softmax; embeddings, Adam and
            ranking stay float32.
        regime: ``full`` propagates over the whole graph each step, ``sampled`` over the sampled neighbourhood of
            the batch without its own edges; ``auto`` picks by the size of the graph.
        fanout: neighbours sampled per node and layer in the sampled regime, -1 for all.
        workers: loader processes of the sampled regime.
        eval_every: epochs between validations.
        patience: validations without a better ``criterion`` after which fitting stops.
        criterion: the metric on the validation part, at its depth, that picks the epoch.
        protocol: how the validation part is ranked: ``full``, or ``sampled:99``, ``sampled:99x20`` and the like.
        snapshot_epochs: epochs after which the tracks' vectors are kept in the run folder, 0 for the untrained ones.
    """

    epochs: int = 100
    batch_size: int = 8192
    lr: float = 0.005
    schedule: Literal["constant", "cosine"] = "constant"
    l2: float = 1e-4
    loss: Literal["bpr", "bce", "softmax", "directau", "bpr-max"] = "bpr"
    temperature: float = 0.1
    length_weight_exponent: float = 0.0
    symmetric_weight: float = 0.0
    teacher: str = ""
    teacher_weight: float = 3.0
    teacher_temperature: float = 0.07
    logq_correction: float = 0.0
    bpr_max_reg: float = 1.0
    uniformity: float = 1.0
    contrast: float = 0.0
    contrast_noise: float = 0.2
    contrast_temperature: float = 0.2
    negatives: Literal["uniform", "popularity", "in-batch", "shared", "all", "pool", "artist", "two-hop"] = "uniform"
    n_negatives: int = 1
    hard_negative_candidates: int = 0
    popularity_power: float = 0.75
    pool_size: int = 100
    pool_final_share: float = 0.05
    pool_anneal_epochs: int = 10
    pool_refresh_every: int = 5
    message_edge_share: float = 1.0
    precision: Literal["float32", "bf16"] = "float32"
    regime: Literal["auto", "full", "sampled"] = "auto"
    fanout: int = 10
    workers: int = 0
    eval_every: int = 5
    patience: int = 5
    criterion: str = "ndcg@20"
    protocol: str = "full"
    snapshot_epochs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for rule, (holds, names) in RULES.items():
            for name in names.split():
                require(holds(getattr(self, name)), name, rule, getattr(self, name))
        require(
            min(self.snapshot_epochs, default=0) >= 0, "snapshot_epochs", "numbers of at least 0", self.snapshot_epochs
        )
        chosen = self.hard_negative_candidates
        require(
            chosen == 0 or chosen > self.n_negatives,
            "hard_negative_candidates",
            f"above n_negatives = {self.n_negatives}",
            chosen,
        )
        require(
            chosen == 0 or not self.shares_candidates,
            "hard_negative_candidates",
            "0 where no negatives are drawn",
            chosen,
        )
        require(self.fanout >= 1 or self.fanout == -1, "fanout", "at least 1, or -1 for all", self.fanout)
        if self.negatives in ("shared", "all") and self.loss in ("bpr", "bce"):
            raise ConfigError(
                f"negatives={self.negatives} is for loss=softmax: set that, or negatives=uniform (got loss={self.loss})"
            )
        if self.negatives != "uniform" and self.loss == "directau":
            raise ConfigError(f"loss=directau takes no negatives: leave them out (got negatives={self.negatives})")
        known = ("uniform", "popularity", "in-batch", "shared")
        if self.logq_correction and (self.loss != "softmax" or self.negatives not in known):
            raise ConfigError(
                "logq_correction needs loss=softmax and negatives whose probability is known: uniform, popularity, "
                f"in-batch or shared (got loss={self.loss}, negatives={self.negatives})"
            )
        for name in ("length_weight_exponent", "symmetric_weight"):
            if getattr(self, name) and (self.loss != "softmax" or self.negatives not in ("shared", "all")):
                raise ConfigError(
                    f"{name} needs loss=softmax and negatives that playlists share: shared or all "
                    f"(got loss={self.loss}, negatives={self.negatives})"
                )
        if self.teacher and (self.loss != "softmax" or self.negatives != "shared"):
            raise ConfigError(
                "teacher needs loss=softmax and negatives=shared, whose candidates are the lesson "
                f"(got loss={self.loss}, negatives={self.negatives})"
            )
        if self.regime == "sampled" and self.whole_graph:
            raise ConfigError(f"{self.whole_graph} needs the full regime (got regime=sampled)")

    @property
    def shares_candidates(self) -> bool:
        """Whether the loss is over tracks that all playlists of a step share: no negatives are drawn for a positive."""
        return self.loss == "directau" or (self.loss == "softmax" and self.negatives in ("in-batch", "shared", "all"))

    @property
    def whole_graph(self) -> str:
        """The option, if any, for which the whole graph must be propagated over each step."""
        asked = {
            "negatives=all": self.negatives == "all",
            "negatives=shared": self.negatives == "shared",
            "negatives=in-batch": self.negatives == "in-batch",
            "message_edge_share": self.message_edge_share < 1,
            "contrast": self.contrast > 0,
            "precision=bf16": self.precision == "bf16",
        }
        return next((name for name, here in asked.items() if here), "")
