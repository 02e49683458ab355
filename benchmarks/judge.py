"""The judge: is the formula that was found the true one, up to what fitted constants may deviate?

Verdicts
--------
``exact``       the found formula is the true one.
``difference``  found - true is a constant other than zero.
``ratio``       found / true is a constant other than one.
``wrong``       anything else.

How it is decided
-----------------
1. *Constants.* Where the data had no noise, the constants stand as they were found. Where they had noise of standard
   deviation sigma, the values must lie within their errors: on the box of the data the found formula deviates from
   the truth by at most 5 sigma sqrt(k/n) (rms; k constants, n rows; for the right structure the mean square is
   sigma^2/n chi^2_k). Then the structure is what is judged: the constants are fitted again to rows without noise. A
   constant that thereby vanishes, runs away or becomes redundant belongs to a part that is not in the truth, and the
   structure is not exact, although it contains the truth.
2. *Symbolically.* Constants are rounded to simple fractions times a power of pi where one is within 1e-6, else to six
   digits, and sympy tries to bring found - true to zero, in a process of its own that is ended after a time limit.
3. *Numerically*, if sympy has not shown it: on fresh rows from a wider box (twice as far out, down to half of
   a smallest value that is positive: what is positive in the data stays so). The deviation is the rms of
   (found - true)/sqrt(true^2 + median(|true|)^2), so that neither zeros nor poles of the truth decide alone. It must
   be at most 1e-6 with constants as found, 1e-8 with constants fitted again, this time on the wider box.

For ``difference`` and ``ratio`` one more constant is fitted, added or multiplied, and the same is asked.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, constant, parse
from balmer.expressions.literals import simple_fraction
from balmer.expressions.operators import CONSTANT, LITERAL
from balmer.kernels import evaluate, fit
from balmer.search import Law

__all__ = ["WRONG", "Judge", "Truth", "Verdict"]

Kind = Literal["exact", "difference", "ratio", "wrong"]
Floats = NDArray[np.float64]

_ROWS = 1000  # fresh rows of either box
_AS_FOUND = 1e-6  # relative deviation allowed to constants that a search has fitted to data without noise
_REFITTED = 1e-8  # and to constants that the judge has fitted itself
_PLAUSIBLE = 1e-4  # deviation on the box of the data above which no identity need be tried
_SIGMAS = 5.0
_VANISHED = 1e-6  # size of a refitted constant, relative to the one found
_SINGULAR = 1e-11  # eigenvalue of the scaled curvature that counts as zero
_UNREAL = 0.01  # fraction of rows in which a found formula may have no real value where the truth has one
_START = 60.0  # seconds that the process with sympy may take to start


@dataclass(frozen=True)
class Verdict:
    """What was found about a formula: the kind, how it was shown, and the deviation from the truth."""

    kind: Kind
    how: str
    deviation: float


WRONG = Verdict("wrong", "nothing found", float("inf"))


@dataclass(frozen=True)
class Truth:
    """The true formula, without free constants, and the box of its data, two arrays of shape (n_variables,)."""

    expression: Expression
    names: tuple[str, ...]
    low: Floats
    high: Floats

    @classmethod
    def read(cls, text: str, names: Sequence[str], low: Sequence[float], high: Sequence[float]) -> Truth:
        """From text in terms of the names; all numbers in it are exact."""
        return cls(_exact(parse(text, names)), tuple(names), np.array(low, float), np.array(high, float))

    @property
    def wider(self) -> Truth:
        """The same formula on a box that reaches further, with the signs that the variables have."""
        low = np.where(self.low > 0, self.low / 2, 2 * self.low)
        high = np.where(self.high < 0, self.high / 2, 2 * self.high)
        return Truth(self.expression, self.names, low, high)

    def sample(self, rows: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """X, shape (n_variables, rows), and y, shape (rows,); fewer rows if the formula is rarely real."""
        parts = []
        for _ in range(50):
            X = rng.uniform(self.low[:, None], self.high[:, None], (len(self.names), rows))
            y = self.expression.evaluate(X)
            parts.append((X[:, np.isfinite(y)], y[np.isfinite(y)]))
            if sum(len(y) for _, y in parts) >= rows:
                break
        X, y = (np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
        return np.ascontiguousarray(X[:, :rows]), y[:rows]


class Judge:
    """Judges formulas; holds the process in which sympy works, so that it starts once.

    Parameters
    ----------
    seconds : that sympy may take for one pair of formulas.
    seed : of the fresh rows.
    """

    def __init__(self, seconds: float = 5.0, seed: int = 0) -> None:
        self.seconds = seconds
        self.seed = seed
        self._sympy: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process with sympy."""
        if self._sympy is not None:
            self._sympy.kill()
            self._sympy.communicate()
            self._sympy = None

    def any(
        self, found: Iterable[Expression | Law], truth: Truth, *, sigma: float = 0.0, rows: int = _ROWS
    ) -> tuple[Verdict, int]:
        """The best verdict on any of several formulas, and the place of the first that has it (-1 if all are wrong)."""
        best, place = WRONG, -1
        for i, formula in enumerate(found):
            verdict = self(formula, truth, sigma=sigma, rows=rows)
            if _ORDER.index(verdict.kind) < _ORDER.index(best.kind):
                best, place = verdict, i
            if best.kind == "exact":
                break
        return best, place

    def is_exact(self, found: Expression, truth: Truth, *, sigma: float, rows: int = _ROWS) -> bool:
        """Whether the verdict on a formula fitted to noisy rows is exact; quick where its constants are far off."""
        near = _Rows.draw(truth, np.random.default_rng(self.seed))
        return not near.rms(found) > _plausible_error(found, sigma, rows) and (
            self(found, truth, sigma=sigma, rows=rows).kind == "exact"
        )

    def __call__(
        self, found: Expression | Law, truth: Truth, *, sigma: float = 0.0, rows: int = _ROWS
    ) -> Verdict:
        """Judge one formula; feature k of it is variable k of the truth.

        Parameters
        ----------
        found : with its constants as the search gave them.
        truth : what the data came from.
        sigma : standard deviation of the noise that the data had.
        rows : how many rows the data had.
        """
        expression = found.expression if isinstance(found, Law) else found
        rng = np.random.default_rng(self.seed)
        near, far = _Rows.draw(truth, rng), _Rows.draw(truth.wider, rng)
        as_found = far.deviation(expression)
        if not sigma > 0:
            return self._compare(_exact(expression), truth, near, far, _AS_FOUND, as_found)
        verdict = self._compare(expression, truth, near, far, _REFITTED, as_found)
        if verdict.kind == "exact" and near.rms(expression) > _plausible_error(expression, sigma, rows):
            return Verdict("wrong", "constants are off by more than their errors", as_found)
        return verdict

    def _compare(
        self, base: Expression, truth: Truth, near: _Rows, far: _Rows, tolerance: float, as_found: float
    ) -> Verdict:
        """Whether the formula, with its free constants refitted, is the truth, but for one more constant."""
        for kind in ("exact", "difference", "ratio"):
            whole = _with_one_more(kind, base, near)
            fitted = near.fit(whole)
            if fitted is None or near.deviation(fitted) > _PLAUSIBLE:
                continue
            superfluous = near.superfluous(whole, fitted) if base.n_constants else []
            if superfluous is None:
                return Verdict("wrong", "has a part that the truth lacks", as_found)
            if superfluous:  # that part has to stay as it was found
                for k in sorted(superfluous, reverse=True):
                    if k < base.n_constants:
                        base = base.fix(k, float(base.constants[k]))
                if kind == "exact":
                    return self._compare(base, truth, near, far, tolerance, as_found)
                continue
            if self._identical(fitted, truth):
                return Verdict(kind, "symbolically", as_found)
            again = far.fit(fitted)
            if again is not None and far.deviation(again) <= tolerance:
                return Verdict(kind, "numerically", as_found)
        return Verdict("wrong", "deviates", as_found)

    def _identical(self, found: Expression, truth: Truth) -> bool:
        """Whether sympy shows, within the time, that two formulas are one."""
        if self.seconds <= 0:
            return False
        if self._sympy is None:
            self._sympy = subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), str(self.seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # where a formula is too much for sympy, that is no matter
                start_new_session=True,  # Ctrl-C is for the one who asks, not for sympy
            )
            if self._answer(_START) is None:
                return False
        question = {
            "found": _as_lists(_freed(found)),
            "truth": _as_lists(truth.expression),
            "names": truth.names,
            "positive": (truth.low > 0).tolist(),
        }
        assert self._sympy.stdin is not None
        try:
            self._sympy.stdin.write(json.dumps(question).encode() + b"\n")
            self._sympy.stdin.flush()
        except BrokenPipeError:
            self.close()
            return False
        return self._answer(self.seconds) is True

    def _answer(self, seconds: float) -> bool | None:
        """The next line of the process; None, and the end of the process, if it does not come in time."""
        assert self._sympy is not None
        assert self._sympy.stdout is not None
        ready, _, _ = select.select([self._sympy.stdout], [], [], seconds)
        line = self._sympy.stdout.readline() if ready else b""
        if not line:
            self.close()
            return None
        return bool(json.loads(line))


def _plausible_error(expression: Expression, sigma: float, rows: int) -> float:
    return float(_SIGMAS * sigma * np.sqrt(max(expression.n_constants, 1) / rows))


_ORDER: tuple[Kind, ...] = ("exact", "difference", "ratio", "wrong")


@dataclass(frozen=True)
class _Rows:
    """Fresh rows without noise: X, shape (n_variables, n), the true y and the weights of the relative deviation."""

    X: Floats
    y: Floats
    weights: Floats

    @classmethod
    def draw(cls, truth: Truth, rng: np.random.Generator) -> _Rows:
        X, y = truth.sample(_ROWS, rng)
        scale = y**2 + np.median(np.abs(y)) ** 2 if len(y) else y
        return cls(X, y, 1.0 / np.maximum(scale, 1e-300))

    def values(self, expression: Expression) -> Floats:
        return evaluate(expression, self.X) if len(self.y) else self.y

    def usable(self, expression: Expression) -> NDArray[np.bool_] | None:
        """The rows in which the formula is real; None if these are too few."""
        real = np.isfinite(self.values(expression))
        return real if len(real) and np.mean(real) >= 1 - _UNREAL else None

    def deviation(self, expression: Expression) -> float:
        real = self.usable(expression)
        if real is None:
            return float("inf")
        residual = (self.values(expression) - self.y)[real]
        return float(np.sqrt(np.mean(self.weights[real] * residual**2)))

    def rms(self, expression: Expression) -> float:
        real = self.usable(expression)
        if real is None:
            return float("inf")
        return float(np.sqrt(np.mean((self.values(expression) - self.y)[real] ** 2)))

    def fit(self, expression: Expression) -> Expression | None:
        """With its constants fitted; None if it is not real here."""
        real = self.usable(expression)
        if real is None or expression.n_constants == 0:
            return None if real is None else expression
        w = self.weights[real] / np.count_nonzero(real)
        found = fit(expression, np.ascontiguousarray(self.X[:, real]), self.y[real], w)
        return found.expression if np.isfinite(found.loss) else None

    def superfluous(self, before: Expression, after: Expression) -> list[int] | None:
        """Constants that vanish or run away in a fit to the truth; None if some become redundant there."""
        ratio = np.abs(after.constants) / np.maximum(np.abs(before.constants), 1e-300)
        gone = [k for k, r in enumerate(ratio) if not _VANISHED < r < 1 / _VANISHED]
        return None if not gone and self.rank(after) < self.rank(before) else gone

    def rank(self, expression: Expression) -> int:
        """How many combinations of the constants matter to first order."""
        real = self.usable(expression)
        if real is None:
            return 0
        w = self.weights[real] / np.count_nonzero(real)
        X = np.ascontiguousarray(self.X[:, real])
        normal = fit(expression, X, self.y[real], w, max_steps=1).normal
        scale = np.sqrt(np.maximum(np.diag(normal), 1e-300))
        return int(np.sum(np.linalg.eigvalsh(normal / np.outer(scale, scale)) > _SINGULAR))


def _with_one_more(kind: str, base: Expression, rows: _Rows) -> Expression:
    if kind == "exact":
        return base
    values = rows.values(base)
    with np.errstate(all="ignore"):
        offset = np.nan_to_num(np.nanmedian(rows.y - values), posinf=0.0, neginf=0.0)
        factor = np.nan_to_num(np.nanmedian(rows.y / values), nan=1.0, posinf=1.0, neginf=1.0)
    return base + constant(float(offset)) if kind == "difference" else base * constant(float(factor))


def _exact(expression: Expression) -> Expression:
    while expression.n_constants:
        expression = expression.fix(0, float(expression.constants[0]))
    return expression


def _freed(expression: Expression) -> Expression:
    """With every number free, and thus to be rounded, that is no simple fraction and not pi."""
    ops = expression.ops.copy()
    for i in np.flatnonzero(ops == LITERAL):
        value = abs(float(expression.values[i]))
        if value != np.pi and simple_fraction(value) is None:
            ops[i] = CONSTANT
    return Expression(ops, expression.args, expression.values)


def _as_lists(expression: Expression) -> list[list[float]]:
    return [expression.ops.tolist(), expression.args.tolist(), expression.values.tolist()]


# -- in the process with sympy -------------------------------------------------------------------------------------


def _serve(seconds: float) -> None:
    """Answer one question per line, until there are no more."""
    import sympy  # noqa: F401  # before the first question, for which the clock runs

    print("true", flush=True)
    for line in sys.stdin:
        signal.alarm(int(seconds) + 2)  # ends this process even if the one that asks is no more
        answer = False
        with suppress(Exception):  # what sympy cannot do is left to numbers
            answer = _shown(json.loads(line))
        print(json.dumps(answer), flush=True)
        signal.alarm(0)


def _shown(question: dict[str, Any]) -> bool:
    import sympy

    from balmer.expressions import to_sympy

    names, positive = question["names"], question["positive"]

    def read(lists: list[list[float]]) -> Any:
        expression = Expression(*map(np.array, lists))
        return to_sympy(expression, names, positive, [_simple(v) for v in expression.constants.tolist()])

    difference = read(question["found"]) - read(question["truth"])
    steps = (
        lambda e: e,
        sympy.expand,
        lambda e: sympy.expand(sympy.fraction(sympy.together(e))[0]),
        lambda e: sympy.expand(sympy.expand_trig(sympy.fraction(sympy.together(e))[0])),
        sympy.simplify,
    )
    return any(step(difference) == 0 for step in steps)


def _simple(value: float) -> Any:
    """A simple fraction times a power of pi if that is as good as equal, else six digits."""
    import sympy

    for largest, power in product((12, 100), (0, 1, -1, 2, -2)):
        fraction = Fraction(value / np.pi**power).limit_denominator(largest)
        if fraction and abs(float(fraction) * np.pi**power / value - 1) < 1e-6:
            return sympy.Rational(fraction.numerator, fraction.denominator) * sympy.pi**power
    return sympy.Rational(f"{value:.6g}")


if __name__ == "__main__":
    _serve(float(sys.argv[1]))
