"""LightGBM's text of trees, read and written anew: native code gets no text that was not checked number by number.

LightGBM trusts what it parses: a feature or a child out of range ends the process, or reads what is not its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from math import isfinite

from ...errors import RunError

__all__ = ["checked"]

NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,4})?")
MOST_LEAVES = 1 << 17
DECISIONS = frozenset((0, 2, 4, 6, 8, 10))
"""Splits by a number: the default side (2) and how missing values are found (4, 8); by categories there are none."""
HEADER = (
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx={last}\n"
    "objective=rank_xendcg\nfeature_names={names}\nfeature_infos={infos}\ntree_sizes={sizes}\n\n"
)


def checked(text: str, n_features: int) -> str:
    """The trees of ``text`` as text of our own, which LightGBM predicts the same with.

    Raises RunError, which names the tree and the rule, where they are not whole binary trees over ``n_features``.
    """
    header, *blocks = re.split(r"^Tree=", text.partition("\nend of trees")[0], flags=re.MULTILINE)
    if not blocks or "\nend of trees" not in text or f"\nmax_feature_idx={n_features - 1}\n" not in header:
        raise RunError(f"trees must be LightGBM's text of trees over {n_features} features, to its end")
    trees = [f"Tree={i}\n{_tree(i, block, n_features)}\n\n" for i, block in enumerate(blocks)]
    declared = re.search(r"^tree_sizes=([\d ]*)$", header, re.MULTILINE)
    sizes = [len(tree) for tree in trees]
    if declared is None or len(declared[1].split()) != len(trees):
        raise RunError(f"tree_sizes must be the sizes of the {len(trees)} trees")
    names = " ".join(f"f{i}" for i in range(n_features))
    about = {"last": n_features - 1, "names": names, "infos": " ".join(["none"] * n_features)}
    return HEADER.format(**about, sizes=" ".join(map(str, sizes))) + "".join(trees) + "end of trees\n"


def _tree(index: int, block: str, n_features: int) -> str:
    """The lines of one tree."""
    fields = dict(line.partition("=")[::2] for line in block.splitlines()[1:] if line)

    def refuse(rule: str) -> RunError:
        return RunError(f"tree {index} is damaged: {rule}")

    def numbers(name: str, n: int) -> list[str]:
        found = fields.get(name, "").split()
        if len(found) != n:
            raise refuse(f"{name} must be {n:,} numbers (got {len(found):,})")
        for word in found:
            if not NUMBER.fullmatch(word) or not isfinite(float(word)):
                raise refuse(f"{name} must be finite numbers (got {word!r:.40})")
        return found

    [leaves] = _whole(numbers("num_leaves", 1), refuse, "num_leaves")
    if not 1 <= leaves <= MOST_LEAVES or fields.get("num_cat") != "0" or fields.get("is_linear", "0") != "0":
        raise refuse(f"it must have from 1 to {MOST_LEAVES:,} leaves, constant ones, and no categories")
    nodes = {name: numbers(name, leaves - 1) for name in ("split_feature", "threshold", "decision_type")}
    features, decisions = (_whole(nodes[name], refuse, name) for name in ("split_feature", "decision_type"))
    if bad := [value for value in features if not 0 <= value < n_features]:
        raise refuse(f"split_feature must be from 0 and below {n_features} (got {bad[0]})")
    if bad := [value for value in decisions if value not in DECISIONS]:
        raise refuse(f"decision_type must be one of {', '.join(map(str, sorted(DECISIONS)))} (got {bad[0]})")
    children = {name: _whole(numbers(name, leaves - 1), refuse, name) for name in ("left_child", "right_child")}
    _check_shape(children, leaves, refuse)
    lines: dict[str, Sequence[int | str]] = {"num_leaves": [leaves], "num_cat": [0], **nodes, **children}
    lines |= {"leaf_value": numbers("leaf_value", leaves), "is_linear": [0], "shrinkage": [1]}
    return "".join(f"{name}={' '.join(map(str, values))}\n" for name, values in lines.items())


def _check_shape(children: dict[str, list[int]], leaves: int, refuse: Callable[[str], RunError]) -> None:
    """Each node but the first is the child of one before it, and each leaf of one node."""
    for name, values in children.items():
        for node, child in enumerate(values):
            if not (node < child < leaves - 1 or -leaves <= child < 0):
                raise refuse(f"{name} of node {node} must be a later node or a leaf (got {child})")
    both = [*children["left_child"], *children["right_child"]]
    if len(set(both)) != len(both):
        raise refuse("left_child and right_child must name each node and leaf once")


def _whole(words: Sequence[str], refuse: Callable[[str], RunError], name: str) -> list[int]:
    def values() -> Iterator[int]:
        for word in words:
            if not re.fullmatch(r"-?\d{1,9}", word):
                raise refuse(f"{name} must be whole numbers below a thousand million (got {word!r:.40})")
            yield int(word)

    return list(values())
