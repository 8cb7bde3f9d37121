"""The flat options of training, by owner: what ``--set`` takes and a run folder keeps.

:mod:`~playlistrec.train.registry` makes objects of them: an objective, negatives, a regime, a schedule.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from ..config import require
from .option_group import OptionGroup
from .softmax_options import SoftmaxOptions

__all__ = [
    "OWNERS",
    "NegativeOptions",
    "ObjectiveOptions",
    "OptimiserOptions",
    "RegimeOptions",
    "TrainOptions",
    "ValidationOptions",
]


@dataclass(frozen=True, kw_only=True)
class OptimiserOptions(OptionGroup):
    """Options of the optimiser and its steps.

    Attributes:
        epochs: passes over the training pairs, at most.
        batch_size: positive pairs a step. With ``shared`` or ``all`` negatives in the full regime: playlists a step.
        lr: Adam's learning rate.
        weight_decay: Adam's, of all parameters: adds this times a parameter to its gradient. ``l2`` is of the
            embeddings of a batch alone.
        schedule: ``constant``, or ``cosine``: up to ``lr`` over a twentieth of the epochs, then down to a hundredth.
        precision: ``float32``, or ``bf16`` for the propagation and the products of softmax. ``bf16`` is faster on GPUs
            and on processors with bfloat16 arithmetic. Embeddings, Adam and ranking stay in float32.
    """

    AT_LEAST_1: ClassVar[tuple[str, ...]] = ("epochs", "batch_size")
    ABOVE_0: ClassVar[tuple[str, ...]] = ("lr",)
    AT_LEAST_0: ClassVar[tuple[str, ...]] = ("weight_decay",)

    epochs: int = 100
    batch_size: int = 8192
    lr: float = 0.005
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    precision: Literal["float32", "bf16"] = "float32"


@dataclass(frozen=True, kw_only=True)
class ObjectiveOptions(SoftmaxOptions):
    """Options of the objective: the loss, and the terms added to it; those of softmax are the base's.

    Attributes:
        loss: ``bpr``, ``bce``, ``softmax`` or ``directau`` (alignment and uniformity; needs ``similarity=cosine``).
            ``bpr-max`` needs negatives that all playlists of a batch share, as in gru4rec.
        bpr_max_reg: weight of BPR-max's penalty on the scores of negatives.
        uniformity: weight of uniformity in DirectAU.
        l2: weight of the penalty on the layer-0 embeddings that a batch uses.
        symmetric_weight: weight of the symmetric softmax: each track of a step among the step's playlists; 0 for none.
            Needs softmax over ``shared`` or ``all``.
        teacher: run folder of a model with vectors, perhaps wider ones. Its softmax over the ``shared`` tracks is
            distilled into this model. A refit needs a teacher that was refitted.
        teacher_weight: weight of the distillation.
        teacher_temperature: divides the scores of both models in the distillation.
        contrast: weight of XSimGCL's contrastive term between the first and all layers under noise; 0 for none.
        contrast_noise: length of that noise, layer by layer.
        contrast_temperature: divides the cosines of the contrastive term.
        message_edge_share: share of the training pairs that serve as message edges. The others are supervision edges.
            With 1 all pairs serve as both.
        message_edge_split: ``epoch`` divides them anew each epoch, ``once`` for the whole fit, alike for every seed.
    """

    ABOVE_0: ClassVar[tuple[str, ...]] = ("teacher_temperature", "contrast_temperature")
    AT_LEAST_0: ClassVar[tuple[str, ...]] = (
        "bpr_max_reg",
        "uniformity",
        "l2",
        "symmetric_weight",
        "teacher_weight",
        "contrast",
        "contrast_noise",
    )
    SHARES: ClassVar[tuple[str, ...]] = ("message_edge_share",)

    loss: Literal["bpr", "bce", "softmax", "directau", "bpr-max"] = "bpr"
    bpr_max_reg: float = 1.0
    uniformity: float = 1.0
    l2: float = 1e-4
    symmetric_weight: float = 0.0
    teacher: str = ""
    teacher_weight: float = 3.0
    teacher_temperature: float = 0.07
    contrast: float = 0.0
    contrast_noise: float = 0.2
    contrast_temperature: float = 0.2
    message_edge_share: float = 1.0
    message_edge_split: Literal["epoch", "once"] = "epoch"


@dataclass(frozen=True, kw_only=True)
class NegativeOptions(OptionGroup):
    """Options of the negatives.

    Attributes:
        negatives: source of the negatives: ``uniform``; ``popularity`` to the power ``popularity_power``;
            ``in-batch``; ``shared`` (softmax over tracks drawn by popularity for all playlists of a step) or ``all``
            (softmax over every track). Hard ones: ``pool`` of the best-scored tracks, ``artist`` (others by the artist
            of one of the playlist's tracks), ``two-hop`` (from playlists that share a track).
        n_negatives: negatives per positive, or per step with ``shared``. Softmax over ``in-batch`` uses all of a batch.
        hard_negative_candidates: negatives drawn per positive, of which the ``n_negatives`` best-scored are kept; 0
            keeps all.
        popularity_power: exponent of popularity in ``popularity`` and ``shared``.
        pool_size: tracks in a playlist's pool.
        pool_final_share: share of all tracks, best-scored first, that the pools represent in the end. It is 1 at first.
        pool_anneal_epochs: epochs over which that share falls.
        pool_refresh_every: epochs between refreshes of the pools.
    """

    AT_LEAST_1: ClassVar[tuple[str, ...]] = ("n_negatives", "pool_size", "pool_anneal_epochs", "pool_refresh_every")
    AT_LEAST_0: ClassVar[tuple[str, ...]] = ("hard_negative_candidates", "popularity_power")
    SHARES: ClassVar[tuple[str, ...]] = ("pool_final_share",)

    negatives: Literal["uniform", "popularity", "in-batch", "shared", "all", "pool", "artist", "two-hop"] = "uniform"
    n_negatives: int = 1
    hard_negative_candidates: int = 0
    popularity_power: float = 0.75
    pool_size: int = 100
    pool_final_share: float = 0.05
    pool_anneal_epochs: int = 10
    pool_refresh_every: int = 5


@dataclass(frozen=True, kw_only=True)
class RegimeOptions(OptionGroup):
    """Options of the regime: over what a step propagates.

    Attributes:
        regime: ``full`` propagates over the whole graph each step, ``sampled`` over the sampled neighbourhood of the
            batch, without its own edges. ``auto`` samples above 20 million pairs, unless an option needs the
            whole graph. Every loss works in both; aggregate has a regime of its own.
        fanout: neighbours per node and layer in the sampled regime; -1 for all.
        workers: processes that sample in the sampled regime.
    """

    AT_LEAST_0: ClassVar[tuple[str, ...]] = ("workers",)

    regime: Literal["auto", "full", "sampled"] = "auto"
    fanout: int = 10
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class ValidationOptions(OptionGroup):
    """Options of the validation that picks the epoch, and of what is kept.

    Attributes:
        eval_every: epochs between validations.
        patience: validations without a better ``criterion`` after which the fit stops.
        criterion: metric on the validation part that chooses the epoch, at its depth where it has one. Also ``auc`` (of
            each playlist) or ``pooled_auc`` (of link prediction).
        link_curves: parts whose loss (of ``bpr`` and ``bce``) and ROC-AUC each validation notes in ``history.jsonl``:
            ``none``; train and ``valid``; or ``test`` too. Each pair is ranked against one track that its playlist does
            not hold. Nothing is chosen by them.
        n_validated: validation playlists that the fit ranks, the same ones each time; 0 for all. For parts so large
            that ranking them takes longer than an epoch.
        protocol: ranking of the validation part: ``full``, or ``sampled:99``, ``sampled:99x20`` and the like, for a
            model that will be evaluated so.
        snapshot_epochs: epochs after which the tracks' vectors are kept in the run folder, for the maps of the report,
            as in ``0,5,50``. 0 is before training.
    """

    AT_LEAST_1: ClassVar[tuple[str, ...]] = ("eval_every", "patience")
    AT_LEAST_0: ClassVar[tuple[str, ...]] = ("n_validated",)

    eval_every: int = 5
    patience: int = 5
    criterion: str = "ndcg@20"
    link_curves: Literal["none", "valid", "test"] = "none"
    protocol: str = "full"
    n_validated: int = 0
    snapshot_epochs: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrainOptions(ValidationOptions, RegimeOptions, NegativeOptions, ObjectiveOptions, OptimiserOptions):
    """All options of training, under flat names.

    Raises ConfigError for numbers out of range and for options that do not go together.
    """

    def __post_init__(self) -> None:
        from .registry import check

        super().__post_init__()
        snapshots = self.snapshot_epochs
        require(min(snapshots, default=0) >= 0, "snapshot_epochs", "numbers of at least 0", snapshots)
        check(self)

    @classmethod
    def owners(cls) -> dict[str, list[str]]:
        """The names of the options by who owns them."""
        groups = {
            "optimiser": OptimiserOptions,
            "objective": ObjectiveOptions,
            "negatives": NegativeOptions,
            "regime": RegimeOptions,
            "validation": ValidationOptions,
        }
        return {owner: [field.name for field in fields(group)] for owner, group in groups.items()}


OWNERS: dict[str, type[OptionGroup]] = {
    "objective": ObjectiveOptions,
    "negatives": NegativeOptions,
    "optimiser": OptimiserOptions,
    "regime": RegimeOptions,
    "validation": ValidationOptions,
}
"""The groups of options by what they belong to."""
