"""What is tested: every hypothesis on the features, and which of them imply which."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

__all__ = ["SPLITS", "SYMMETRIES", "Hypothesis", "groups", "hypotheses", "implied"]

SYMMETRIES = ("difference", "sum", "ratio", "product", "radius", "hyperbolic")
SPLITS = ("additive", "multiplicative", "generalised_additive")

_ALL_GROUPS = 6  # features up to which all groups are tested


class Hypothesis(NamedTuple):
    """A structure: its kind, features (or a first group of features) and, where it splits them, the second group."""

    kind: str
    variables: tuple[int, ...]
    rest: tuple[int, ...] = ()


def hypotheses(d: int) -> list[Hypothesis]:
    """All hypotheses on d features, in the order of the findings."""
    alone = [Hypothesis("irrelevant", (i,)) for i in range(d)]
    inner = [Hypothesis("compositional", group) for group in groups(d) if len(group) > 1]
    pairs = [Hypothesis(kind, pair) for pair in combinations(range(d), 2) for kind in SYMMETRIES]
    splits = [
        Hypothesis(kind, group, tuple(i for i in range(d) if i not in group))
        for group in groups(d)
        if 0 in group
        for kind in SPLITS
    ]
    return [*alone, *inner, *pairs, *splits]


def groups(d: int) -> list[tuple[int, ...]]:
    """Proper subsets of d features; of more than six features those of at most two, or all but at most two."""
    sizes = [k for k in range(1, d) if d <= _ALL_GROUPS or k <= 2 or k >= d - 2]
    return [group for k in sizes for group in combinations(range(d), k)]


def implied(hypothesis: Hypothesis, statistic: Mapping[Hypothesis, float]) -> float:
    """The largest statistic of what a hypothesis implies.

    A symmetry of a pair, or a split by a group, asks that the pair or the group acts through one function of it,
    which is `compositional`, and falls with it.
    """
    groups_in: tuple[tuple[int, ...], ...] = ()
    if hypothesis.kind in SYMMETRIES:
        groups_in = (hypothesis.variables,)
    elif hypothesis.kind in SPLITS:
        groups_in = (hypothesis.variables, hypothesis.rest)
    return max(
        (statistic.get(Hypothesis("compositional", group), -float("inf")) for group in groups_in),
        default=-float("inf"),
    )
