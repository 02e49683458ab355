"""What the benchmarks share: random trees of three classes, the same trees for pyoperon, interleaved timing, tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.expressions import Expression, apply, constant, variable
from balmer.expressions.operators import CONSTANT, OPERATORS_BY_CODE, VARIABLE

CLASSES = ("arithmetic", "mixed", "transcendental")
N_FEATURES = 4
_BINARY = {"arithmetic": (0.3, 0.25, 0.3, 0.15, 0.0), "mixed": (0.3, 0.25, 0.3, 0.15, 0.0),
           "transcendental": (0.25, 0.15, 0.2, 0.1, 0.3)}  # fmt: skip
_BINARY_NAMES = ("add", "sub", "mul", "div", "pow")
_UNARY = {
    "arithmetic": ("square",),
    "mixed": ("square", "sqrt", "exp", "log", "sin", "cos"),
    "transcendental": ("exp", "log", "sin", "cos", "tanh"),
}
_N_UNARY = {"arithmetic": (0, 1), "mixed": (2, 3), "transcendental": (7, 8)}
_OPERON = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "square": "Square",
           "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos", "tanh": "Tanh"}  # fmt: skip


def table_of(n_rows: int, seed: int = 1) -> NDArray[np.float64]:
    """Features between 1/2 and 2, shape (N_FEATURES, n_rows), exact in float32, the same numbers for all programs."""
    return (
        np.random.default_rng(seed).uniform(0.5, 2.0, (N_FEATURES, n_rows)).astype(np.float32).astype(float)
    )


def trees(
    kind: str, how_many: int, *, n_constants: tuple[int, int] | None = None, seed: int = 0
) -> list[Expression]:
    """Random trees of about 20 nodes that are finite on `table_of` and have no operator on numbers alone.

    Parameters
    ----------
    kind : one of CLASSES
    n_constants : at least and at most so many free constants; None takes one leaf in three.
    """
    rng = np.random.default_rng([seed, CLASSES.index(kind)])
    X = table_of(200)
    found: list[Expression] = []
    while len(found) < how_many:
        unary = int(rng.choice(_N_UNARY[kind]))
        if n_constants:
            # Most leaves are numbers, so that there are fewer places for functions among 20 nodes.
            k = int(rng.integers(*n_constants, endpoint=True))
            leaves = k + int(rng.integers(1, 2, endpoint=True))
            unary = min(unary, max(0, 20 - (2 * leaves - 1)))
        else:
            leaves = (20 - unary - 1) // 2 + 1 + int(rng.integers(2))
            k = round(leaves / 3)
        tree = _grow(kind, rng, k, leaves - k, unary)
        with np.errstate(all="ignore"):
            values = tree.evaluate(X)
        if np.all(np.isfinite(values)) and np.abs(values).max() < 1e6 and np.ptp(values) > 1e-3:
            found.append(tree)
    return found


def least_squares_problems(
    kind: str, how_many: int, X: NDArray[np.float64], seed: int = 3
) -> list[tuple[Expression, NDArray[np.float64]]]:
    """Trees with 8 to 10 constants up to 30 % off, and the noisy values of the same trees without the error."""
    rng = np.random.default_rng(seed)
    problems = []
    for tree in trees(kind, how_many, n_constants=(8, 10), seed=seed):
        values = tree.evaluate(X)
        y = values + rng.normal(size=len(values)) * 0.05 * values.std()
        start = tree.with_constants(tree.constants * rng.uniform(0.7, 1.3, tree.n_constants))
        problems.append((start, y.astype(np.float32).astype(float)))
    return problems


def _grow(
    kind: str, rng: np.random.Generator, n_constants: int, n_variables: int, n_unary: int
) -> Expression:
    """Join random pairs of subtrees until one is left, with functions put on some on the way."""
    parts = [variable(int(rng.integers(N_FEATURES))) for _ in range(n_variables)]
    numbers = [constant(round(float(rng.uniform(0.5, 2.0)), 3)) for _ in range(n_constants)]
    steps = ["binary"] * (len(parts) + len(numbers) - 1) + ["unary"] * n_unary
    rng.shuffle(steps)
    for step in steps:
        a = parts.pop(int(rng.integers(len(parts))))
        if step == "unary":
            parts.append(apply(str(rng.choice(_UNARY[kind])), a))
            continue
        # A number can be joined to any part; the last part of all may only take numbers.
        number = bool(numbers) and (not parts or rng.random() < len(numbers) / (len(numbers) + len(parts)))
        b = numbers.pop() if number else parts.pop(int(rng.integers(len(parts))))
        name = str(rng.choice(_BINARY_NAMES, p=_BINARY[kind]))
        if name == "pow" and not number:
            name = "mul"  # laws have numbers for exponents
        parts.append(apply(name, *((a, b) if name == "pow" or rng.random() < 0.5 else (b, a))))
    return parts[0]


def import_pyoperon() -> Any:
    """The module, or None with a sentence on how to get it."""
    try:
        import pyoperon
    except ImportError:
        print("pyoperon is missing, so there is nothing to compare with: pip install pyoperon\n")
        return None
    return pyoperon


class OperonData:
    """A pyoperon Dataset; it only looks at the array it is given, which is therefore kept here."""

    def __init__(self, po: Any, X: NDArray[np.float64], y: NDArray[np.float64] | None = None) -> None:
        columns = X if y is None else np.vstack([X, y])
        self._array = np.asfortranarray(columns.T.astype(np.float32))
        self.dataset = po.Dataset(self._array)
        self.variables = sorted(self.dataset.Variables, key=lambda v: v.Index)
        self.range = po.Range(0, X.shape[1])

    def tree(self, po: Any, expression: Expression) -> Any:
        """The same tree with the same nodes: variables without weights, constants free."""
        stack: list[list[Any]] = []
        for op, arg, value in expression:
            if op == VARIABLE:
                node = po.Node.Variable(1.0)
                node.HashValue = node.CalculatedHashValue = self.variables[arg].Hash
                node.Optimize = False
                stack.append([node])
            elif op <= VARIABLE:
                node = po.Node.Constant(value)
                node.Optimize = op == CONSTANT
                stack.append([node])
            else:
                operator = OPERATORS_BY_CODE[op]
                operands = [stack.pop() for _ in range(operator.arity)]
                # pyoperon's postfix form begins with the last argument.
                stack.append([*(n for o in operands for n in o), getattr(po.Node, _OPERON[operator.name])()])
        tree = po.Tree(stack[0])
        tree.UpdateNodes()
        return tree


def interleaved(
    contestants: Mapping[str, Callable[[], object]],
    repetitions: int,
    *,
    loops: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, NDArray[np.float64]]:
    """Seconds of each contestant in each repetition, taken in turns so that a busy machine is unfair to all alike."""
    times = {name: np.empty(repetitions) for name in contestants}
    for call in contestants.values():
        call()
    for r in range(repetitions):
        for name, call in contestants.items():
            begin = clock()
            for _ in range(loops):
                call()
            times[name][r] = clock() - begin
    return times


def ratio(times: Mapping[str, NDArray[np.float64]], slow: str, fast: str) -> float:
    """Median over the repetitions of how many times as long `slow` took as `fast` did beside it."""
    return float(np.median(times[slow] / times[fast]))


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)
