"""What a structure probe saw: one Finding for every hypothesis it tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["KINDS", "Finding"]

KINDS = {
    "irrelevant": "the target does not depend on the variable",
    "additive": "g(variables) + h(rest)",
    "multiplicative": "g(variables) * h(rest)",
    "generalised_additive": "F(target) = g(variables) + h(rest) with monotone F",
    "compositional": "g(h(variables), others)",
    "difference": "a function of x - y and others",
    "sum": "a function of x + y and others",
    "ratio": "a function of x / y and others",
    "product": "a function of x * y and others",
    "radius": "a function of sqrt(x^2 + y^2) and others",
    "hyperbolic": "a function of sqrt(x^2 - y^2) and others",
}
"""The kinds of structure and what each says of the target."""


@dataclass(frozen=True)
class Finding:
    """The result of one test for structure.

    Attributes
    ----------
    kind : a key of `KINDS`.
    variables : the features concerned, or the first of two groups of features.
    rest : the second group where the kind splits the features, else empty.
    statistic : how far the structure is from holding; on data, by how many standard errors a surrogate bound to the
        structure predicts left-out rows worse than a free one.
    threshold : the largest statistic at which it counts as found.
    verdict : whether it was found.

    Raises
    ------
    ValueError
        If the kind is unknown or the verdict is not what statistic and threshold say.
    """

    kind: str
    variables: tuple[str, ...]
    rest: tuple[str, ...]
    statistic: float
    threshold: float
    verdict: bool

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind of structure {self.kind!r}; known are {', '.join(KINDS)}")
        if self.verdict != (self.statistic <= self.threshold):
            raise ValueError(
                f"the verdict {self.verdict} does not follow from "
                f"statistic {self.statistic} and threshold {self.threshold}"
            )

    def __str__(self) -> str:
        groups = " | ".join("{" + ", ".join(group) + "}" for group in (self.variables, self.rest) if group)
        sign = "<=" if self.verdict else ">"
        return f"{self.kind}: {groups}: statistic {self.statistic:.3g} {sign} {self.threshold:.3g}"

    @staticmethod
    def from_arrays(
        names: Sequence[str],
        kinds: Sequence[Any],
        variables: ArrayLike,
        rest: ArrayLike,
        statistic: ArrayLike,
        threshold: ArrayLike,
    ) -> list[Finding]:
        """From the arrays in which findings cross from an engine.

        Parameters
        ----------
        names : of the features.
        kinds : one per finding.
        variables, rest : bool, shape (n_findings, n_features); which features are in the first and second group.
        statistic, threshold : shape (n_findings,).

        Raises
        ------
        ValueError
            If the shapes do not agree.
        """
        shape = (len(kinds), len(names))
        first, second = _members(variables, shape), _members(rest, shape)
        s, t = np.asarray(statistic, dtype=float), np.asarray(threshold, dtype=float)
        if s.shape != shape[:1] or t.shape != shape[:1]:
            raise ValueError(
                f"{shape[0]} findings need as many statistics and thresholds; got {s.shape}, {t.shape}"
            )
        return [
            Finding(
                kind=str(kind),
                variables=tuple(name for name, inside in zip(names, first[k], strict=True) if inside),
                rest=tuple(name for name, inside in zip(names, second[k], strict=True) if inside),
                statistic=float(s[k]),
                threshold=float(t[k]),
                verdict=bool(s[k] <= t[k]),
            )
            for k, kind in enumerate(kinds)
        ]


def _members(groups: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    members = np.asarray(groups, dtype=bool)
    if members.shape != shape:
        raise ValueError(
            f"groups have shape {members.shape}; expected are (n_findings, n_features) = {shape}"
        )
    return members
