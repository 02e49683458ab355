"""The table of all small formulas, distinct by value: built size by size from features, numbers and operators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import pi

import numpy as np
from numpy.typing import NDArray

from balmer.engines import Problem
from balmer.expressions import Expression, apply, literal, variable
from balmer.expressions.operators import LITERAL, OPERATORS, OPERATORS_BY_CODE, VARIABLE, UnitRule
from balmer.kernels.entry import CODE_COLUMNS, OP, D, P, Q, entry
from balmer.kernels.enumerate import BLOCK, ROWS, Operation, Store, combine, insert
from balmer.search.table_dimensions import PURE, Dimensions

__all__ = ["FormulaTable", "Group", "key_rows", "size_of"]

Floats = NDArray[np.float64]
_Job = tuple[int, int, int, int, int]

_PAIRS = 2_000_000  # operations per compiled call, so that Ctrl-C is heard
_TRIES = 12  # operations for every entry that may be kept
_LARGEST_SIZE = 15
_LARGEST_NUMBER = 5  # size: 2*pi, pi/2**2, 1/(2*pi)
_LARGEST_EXPONENT = 2  # size: a feature or a number
_PER_KEY = 2  # slots for every entry at least
_CANDIDATE_ROWS = 400  # among which key rows are chosen
# Functions that laws nest seldom count twice, so that the arithmetic of three or four features fits beside them.
_HEAVY = frozenset(
    name for name, op in OPERATORS.items() if op.unit_rule == UnitRule.PURE or op.unit_rule == UnitRule.POW
)


@dataclass(frozen=True)
class Group:
    """Entries of one size and dimension, which stand together: ``start`` to ``stop``."""

    size: int
    dimension: int
    start: int
    stop: int


@dataclass(frozen=True)
class _Kind:
    """An operator of the problem: its program and what it costs."""

    body: Expression  # of variables 0 and 1
    weight: int
    operation: Operation
    workspace: Floats
    commutative: bool
    rule: UnitRule | None  # None: of a custom operator, asked of its body
    power: Fraction

    @property
    def arity(self) -> int:
        return max(self.body.variables) + 1

    def dimension(self, dimensions: Dimensions, a: int, b: int) -> int:
        """Number of the dimension of the value, -1 if there is none."""
        return dimensions.result(self.rule, self.power, self.body, a, b)


@dataclass(eq=False)
class FormulaTable:
    """All distinct formulas of a problem up to a size, or as many as fit.

    A formula's size is the number of its nodes, with operators that ask for pure numbers (exp, log, sin, pow ...) and
    pi counted twice. The numbers are 1, 2 and, where there are such operators, pi, and what the others make of them;
    exponents of pow are single leaves. Formulas count as equal if they agree on all key rows to 10 digits.

    Attributes
    ----------
    X : float64 array, shape (n_features, ROWS): the features on the key rows.
    values : float64 array, shape (n, ROWS).
    groups : where the formulas of one size and dimension stand, by size.
    complete : the largest size of which no formula is left out; 0 if it fails at the leaves.
    tried : operations evaluated.
    """

    X: Floats
    store: Store
    kinds: list[_Kind]
    dimensions: Dimensions
    leaves: list[Expression] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    complete: int = 0

    @classmethod
    def build(cls, problem: Problem, rows: NDArray[np.int64], most: int) -> FormulaTable:
        """The table of a problem.

        Parameters
        ----------
        rows : int array, shape (ROWS,): the key rows.
        most : formulas at most.
        """
        X = np.ascontiguousarray(problem.X[:, rows])
        table = cls(X, _empty(most), _kinds(problem), Dimensions(problem))
        table._put_leaves()
        # A formula of complexity c has at most c nodes, and none counts more than twice.
        reached = min(2 * problem.space.max_complexity, _LARGEST_SIZE)
        for size in range(2, reached + 1):
            if not table._grow(size, most):
                break
            table.complete = size
        return table

    @property
    def n(self) -> int:
        """How many formulas there are."""
        return int(self.store.count[0])

    @property
    def tried(self) -> int:
        return int(self.store.count[1])

    @property
    def values(self) -> Floats:
        """Shape (n, ROWS)."""
        return self.store.values[: self.n]

    def expression(self, place: int) -> Expression:
        """The formula at a place."""
        operation = int(self.store.operation[place])
        if operation < 0:
            return self.leaves[place]
        kind = self.kinds[operation]
        operands = [self.expression(int(self.store.left[place]))]
        if kind.arity == 2:
            operands.append(self.expression(int(self.store.right[place])))
        return kind.body.substitute(operands)

    def dimension_of(self, place: int) -> int:
        """Number of the dimension of the formula at a place."""
        return next(group.dimension for group in self.groups if place < group.stop)

    # -- building --------------------------------------------------------------------------------------------

    def _put_leaves(self) -> None:
        found = [(variable(i), dimension, 1) for i, dimension in enumerate(self.dimensions.features)]
        found += [(literal(1.0), PURE, 1), (literal(2.0), PURE, 1)]
        if any(kind.rule == UnitRule.PURE for kind in self.kinds):
            found.append((literal(pi), PURE, 2))
        ordered = sorted(found, key=lambda leaf: leaf[1:])
        for expression, dimension, size in ordered:
            values = expression.evaluate(self.X)
            if not np.isfinite(values).all() or (expression.variables and np.ptp(values) == 0):
                continue
            place = insert(self.store, np.ascontiguousarray(values) + 0.0, 0)
            if place < 0:
                continue
            self.store.operation[place] = -1
            self.store.number[place] = not expression.variables
            self.leaves.append(expression)
            last = self.groups[-1] if self.groups else None
            if last is not None and (last.size, last.dimension) == (size, dimension):
                self.groups[-1] = Group(size, dimension, last.start, place + 1)
            else:
                self.groups.append(Group(size, dimension, place, place + 1))
        self.complete = 1

    def _grow(self, size: int, most: int) -> bool:
        """All formulas of one size; False if the table is full before the end."""
        jobs: dict[int, dict[int, list[_Job]]] = {}
        for index, kind in enumerate(self.kinds):
            for dimension, job in self._jobs(kind, size):
                jobs.setdefault(dimension, {}).setdefault(index, []).append(job)
        forward = entry().forward
        for dimension in sorted(jobs):
            start = self.n
            for index, ranges in jobs[dimension].items():
                kind = self.kinds[index]
                of_numbers = kind.operation.of_numbers and size <= _LARGEST_NUMBER
                operation = kind.operation._replace(of_numbers=of_numbers)
                for part in _parts(ranges):
                    combine(forward, operation, index, part, most, kind.workspace, self.store)
                    if self.n >= most or self.tried > _TRIES * most:
                        self.groups.append(Group(size, dimension, start, self.n))
                        return False
            if self.n > start:
                self.groups.append(Group(size, dimension, start, self.n))
        return True

    def _jobs(self, kind: _Kind, size: int) -> Iterator[tuple[int, _Job]]:
        rest = size - kind.weight
        by_size: dict[int, list[Group]] = {}
        for group in self.groups:
            by_size.setdefault(group.size, []).append(group)
        for a in by_size.get(rest, []) if kind.arity == 1 else ():
            dimension = kind.dimension(self.dimensions, a.dimension, a.dimension)
            if dimension >= 0:
                yield dimension, (a.start, a.stop, -1, -1, 0)
        for a in self.groups if kind.arity == 2 else ():
            for b in by_size.get(rest - a.size, []):
                if kind.commutative and a.start < b.start:
                    continue
                if kind.rule == UnitRule.POW and b.size > _LARGEST_EXPONENT:
                    continue
                dimension = kind.dimension(self.dimensions, a.dimension, b.dimension)
                if dimension >= 0:
                    yield dimension, (a.start, a.stop, b.start, b.stop, int(kind.commutative and a is b))


def key_rows(problem: Problem, logs: list[int], pool: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows to compare formulas on, shape (ROWS,): the first 1 + len(logs) of them determine a power law best.

    Parameters
    ----------
    logs : the features without zeros, of which power laws can be made.
    pool : the rows that may be taken.
    """
    rng = np.random.default_rng(0)
    rows = rng.permutation(pool)[:_CANDIDATE_ROWS]
    design = np.vstack([np.ones(len(rows)), np.log(np.abs(problem.X[logs][:, rows]))])
    design[1:] -= design[1:].mean(axis=1, keepdims=True)
    chosen: list[int] = []
    rest = design.copy()
    for _ in range(len(design)):  # Gram-Schmidt with pivoting
        sizes = (rest**2).sum(axis=0)
        best = int(np.argmax(sizes))
        if sizes[best] <= 1e-20:
            break
        chosen.append(best)
        unit = rest[:, best] / np.sqrt(sizes[best])
        rest = rest - np.outer(unit, unit @ rest)
    others = [k for k in range(len(rows)) if k not in set(chosen)]
    order = np.array(chosen + others)[:ROWS]
    return rows[np.resize(order, ROWS)]


def size_of(expression: Expression) -> int:
    """Size of a formula in the order of the table."""
    heavy = sum(OPERATORS_BY_CODE[int(op)].name in _HEAVY for op in expression.ops if op > VARIABLE)
    return len(expression) + heavy + int(np.sum((expression.ops == LITERAL) & (expression.values == pi)))


def _kinds(problem: Problem) -> list[_Kind]:
    """Operators of the space, arithmetic first: what comes late may no longer fit."""
    names = sorted(problem.space.operators, key=lambda name: (name in _HEAVY, -OPERATORS[name].arity))
    kinds = []
    for name in names:
        op = OPERATORS[name]
        body = apply(name, *(variable(i) for i in range(op.arity)))
        heavy = name in _HEAVY
        of_numbers = name in ("square", "cube") or (op.arity == 2 and not heavy)
        lowered = _lowered(body, of_numbers)
        kinds.append(_Kind(body, 1 + heavy, *lowered, op.commutative, op.unit_rule, op.power))
    for custom in problem.space.custom_operators:
        if custom.arity <= 2 and custom.body.variables == tuple(range(custom.arity)):
            weight = max(1, size_of(custom.body) - custom.arity)
            kinds.append(_Kind(custom.body, weight, *_lowered(custom.body, False), False, None, Fraction(1)))
    return kinds


def _lowered(body: Expression, of_numbers: bool) -> tuple[Operation, Floats]:
    """The program of an operation and its workspace: operands at 0 and BLOCK, numbers and the rest behind them."""
    code = np.zeros((len(body), CODE_COLUMNS), np.uint64)
    workspace = np.ones((len(body) + 2, BLOCK))
    m, slot = 0, 2
    stack: list[int] = []
    for op, arg, value in body:
        if op == VARIABLE:
            stack.append(arg)
            continue
        if op in OPERATORS_BY_CODE:
            arity = OPERATORS_BY_CODE[op].arity
            code[m, OP], code[m, D] = op, slot * BLOCK
            code[m, P], code[m, Q] = stack[-arity] * BLOCK, stack[-1] * BLOCK
            del stack[-arity:]
            m += 1
        else:
            workspace[slot] = value
        stack.append(slot)
        slot += 1
    is_sum = len(body) == 3 and OPERATORS_BY_CODE[int(body.ops[-1])].name in ("add", "sub")
    return Operation(code, m, stack[0] * BLOCK, is_sum, of_numbers), workspace.ravel()


def _empty(most: int) -> Store:
    slots = 1 << (_PER_KEY * most - 1).bit_length()
    return Store(
        values=np.empty((most, ROWS)),
        operation=np.empty(most, np.int16),
        left=np.zeros(most, np.int32),
        right=np.zeros(most, np.int32),
        number=np.zeros(most, np.bool_),
        keys=np.empty(slots, np.uint64),
        places=np.full(slots, -1, np.int32),
        count=np.zeros(2, np.int64),
    )


def _parts(ranges: list[_Job]) -> list[NDArray[np.int64]]:
    """The jobs in portions of bounded work."""
    parts: list[list[_Job]] = [[]]
    work = 0
    for a0, a1, b0, b1, ordered in ranges:
        step = max(1, _PAIRS // max(1, b1 - b0))
        for first in range(a0, a1, step):
            last = min(a1, first + step)
            pairs = (last - first) * max(1, b1 - b0)
            if work and work + pairs > _PAIRS:
                parts.append([])
                work = 0
            parts[-1].append((first, last, b0, b1, ordered))
            work += pairs
    return [np.array(part, np.int64).reshape(-1, 5) for part in parts if part]
