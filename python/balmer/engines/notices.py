"""What to look at before a search: columns that give the target away, that say nothing, or that lack a unit.

Each is a sentence with the option that mends it. None keeps a search from being made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from balmer.data.nature import NATURE

if TYPE_CHECKING:
    from balmer.data import Column
    from balmer.engines.problem import Problem

__all__ = ["notices", "uncertain"]

Floats = NDArray[np.float64]

_BARE = frozenset(
    [
        "stat",
        "syst",
        "sys",
        "err",
        "error",
        "errors",
        "unc",
        "uncertainty",
        "stderr",
        "xerr",
        "yerr",
        "+-",
        "±",
    ]
)
# Before the name of another column, and only there, so that 'dose' and 'density' are nothing of the kind.
_BEFORE = re.compile(
    r"(?:d|delta|Delta|δ|Δ|sigma|sig|σ|s|u|e|err|error|unc|uncertainty|std|stderr|stat|syst|sys)_?\s*",
    re.UNICODE,
)
_BEHIND = re.compile(r"_?(?:err|error|unc|uncertainty|std|stderr|sigma|stat|syst|sys)", re.IGNORECASE)
_ENDING = re.compile(r"(.*\w)[_ ](?:err|error|errors|unc|uncertainty|std|stderr)", re.IGNORECASE)
_POWERS = sorted({Fraction(n, m) for n in range(-8, 9) for m in (1, 2, 3, 4) if n}, key=abs)
_ROUNDING = 1.1e-5  # relative difference of two numbers that a table gives with six digits
_SAMPLE = 64  # rows that are looked at first
_SHOWN = 5  # columns named in one sentence


def notices(problem: Problem) -> tuple[str, ...]:
    """The sentences for a problem, in the order in which they matter."""
    return (
        *problem.dataset.notes,
        *_uncertainties(problem),
        *_given_away(problem),
        *_constant_columns(problem),
        *_without_unit(problem),
    )


def uncertain(name: str, others: Iterable[str]) -> str | None:
    """Which of the other columns a name says the uncertainty of; ``""`` where it does not say which, None if of none.

    ``dN``, ``sigma_N`` or ``e_N`` say so only before the name of another column; ``N_err`` and ``stat`` always do.
    """
    for other in others:
        if other == name or not other:
            continue
        front, behind = name.removesuffix(other), name.removeprefix(other)
        if (front != name and _BEFORE.fullmatch(front)) or (behind != name and _BEHIND.fullmatch(behind)):
            return other
    return "" if name.lower() in _BARE or _ENDING.fullmatch(name) else None


def _uncertainties(problem: Problem) -> Iterator[str]:
    data = problem.dataset
    target = data.target.name
    for name in data.feature_names:
        of = uncertain(name, (target, *(other for other in data.feature_names if other != name)))
        if of is None:
            continue
        of = of or target
        if of == target and data.sigma is None:
            yield (
                f"column {name!r} reads like the uncertainty of {of!r}, and gives it away as a feature: declare it "
                f"with sigma={name!r} (--sigma {name}), or leave it out ({_without(name, problem)})"
            )
        else:
            yield (
                f"column {name!r} reads like an uncertainty of {of!r} and stands among the features: leave it out "
                f"({_without(name, problem)})"
            )


def _constant_columns(problem: Problem) -> Iterator[str]:
    columns, X = problem.dataset.features, problem.given_X
    found = [
        (column, row[0])
        for column, row in zip(columns, X, strict=True)
        if np.all(row == row[0]) and not _of_nature(column)
    ]
    if not found:
        return
    shown = ", ".join(f"{column.name!r} is {value:.6g}" for column, value in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more are constant" if len(found) > _SHOWN else ""
    names = [column.name for column, _ in found]
    left = "" if len(found) == len(columns) else f" ({_without(names, problem)})"
    yield (
        f"column {shown} in every row{more}: the data cannot tell it from a fitted constant; leave it out{left} unless "
        f"the law is to name it"
    )


def _of_nature(column: Column) -> bool:
    """Whether it was put there as a constant of nature."""
    return column.name in NATURE and column.description == NATURE[column.name][0]


def _without_unit(problem: Problem) -> Iterator[str]:
    if not problem.check_units or problem.dimensions is not None:
        return
    names = [name for name, unit in problem.dataset.units.items() if unit is None]
    shown = ", ".join(map(repr, names[:_SHOWN])) + (
        f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    )
    several = len(names) > 1
    yield (
        f"column{'s' * several} {shown} {'have' if several else 'has'} no unit: units are checked as far as the others "
        f"say; give {'them one' if several else 'it one'} with units={{{names[0]!r}: ...}} (--units {names[0]}=..., "
        f"1 for a pure number), or check none (--ignore-units)"
    )


def _given_away(problem: Problem) -> Iterator[str]:
    """Single features of which the target is a multiple of a power, to rounding; or, where there is but one, a copy."""
    y, data = problem.y, problem.dataset
    alone = data.n_features == 1
    first = np.unique(np.linspace(0, len(y) - 1, _SAMPLE).astype(np.int64))
    for i, name in enumerate(data.feature_names):
        x = problem.X[i]
        power = _power(x[first], y[first])
        if power is None or (alone and power != 1):
            continue
        factor = _factor(x, y, power)
        if factor is None or (alone and not _is_one(factor, i, problem)):
            continue
        shown = name if power == 1 else f"{name}**{power}" if power.denominator == 1 else f"{name}**({power})"
        law = shown if abs(factor - 1.0) < _ROUNDING else f"{factor:.6g}*{shown}"
        how = "" if alone else f"leave it out ({_without(name, problem)})"
        left = how and f"; if it was computed from {data.target.name!r}, {how}"
        yield f"column {name!r} alone gives {data.target.name!r} to rounding, {data.target.name} = {law}{left}"


def _is_one(factor: float, i: int, problem: Problem) -> bool:
    """Whether a factor only changes units."""
    own, target = problem.units[i], problem.units[-1]
    same = own is not None and target is not None and own.dimension == target.dimension
    change = own.scale / target.scale if same and own is not None and target is not None else 1.0
    return min(abs(factor - 1.0), abs(factor / change - 1.0)) < _ROUNDING


def _power(x: Floats, y: Floats) -> Fraction | None:
    """The simple power of x that y goes with on these rows; None if there is none."""
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0 or not np.array_equal(x == 0.0, y == 0.0):
        return None
    x, y = x[x != 0.0], y[y != 0.0]
    if len(x) < 2:
        return None
    u, v = np.log(np.abs(x)), np.log(np.abs(y))
    spread = u - u.mean()
    size = float(np.sum(spread**2))
    if size == 0.0:
        return Fraction(1) if _factor(x, y, Fraction(1)) is not None else None
    slope = float(np.sum(spread * v)) / size
    near = min(_POWERS, key=lambda p: abs(float(p) - slope))
    return near if abs(float(near) - slope) < 1e-3 and _factor(x, y, near) is not None else None


def _factor(x: Floats, y: Floats, power: Fraction) -> float | None:
    """The factor that stands before the power in every row, to rounding; None if there is none."""
    if power < 0 and np.any(x == 0.0):
        return None
    with np.errstate(all="ignore"):
        whole = x ** float(power) if power.denominator == 1 or np.all(x >= 0) else np.full_like(x, np.nan)
        there = whole != 0.0
        ratio = y[there] / whole[there]
    if not len(ratio) or not np.all(np.isfinite(ratio)) or np.any(y[~there] != 0.0):
        return None
    factor = float(np.median(ratio))
    return factor if factor != 0.0 and np.all(np.abs(ratio / factor - 1.0) <= _ROUNDING) else None


def _without(names: str | Sequence[str], problem: Problem) -> str:
    """The option that leaves columns out."""
    gone = {names} if isinstance(names, str) else set(names)
    kept = [name for name in problem.dataset.feature_names if name not in gone]
    shown = ",".join(f'"{name}"' if re.search(r"[\s,\"']", name) else name for name in kept)
    return f"--features {shown}" if kept and len(shown) <= 60 else "--features with the others"
