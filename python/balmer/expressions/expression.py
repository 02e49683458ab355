"""The Expression: an immutable postfix program, the only form of a formula that crosses between rooms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.errors import ConfigError
from balmer.expressions.operators import (
    CONSTANT,
    LITERAL,
    N_OPCODES,
    OPERATORS_BY_CODE,
    VARIABLE,
    operator,
)

__all__ = ["Expression", "apply", "constant", "literal", "variable"]

T = TypeVar("T")

# Number of operands by opcode; the leaves take none.
_ARITY = np.array([OPERATORS_BY_CODE[c].arity if c in OPERATORS_BY_CODE else 0 for c in range(N_OPCODES)])
_LARGEST_FEATURE = int(np.iinfo(np.int16).max)


@dataclass(frozen=True, eq=False, slots=True)
class Expression:
    """A formula as a postfix program of ``n`` nodes: operands stand before their operator.

    Parameters
    ----------
    ops : int16 array, shape (n,)
        Opcode of each node (`balmer.expressions.operators`).
    args : int16 array, shape (n,)
        Feature index of a VARIABLE node, 0 elsewhere.
    values : float64 array, shape (n,)
        Number of a CONSTANT or LITERAL node, 0 elsewhere.

    Raises
    ------
    ConfigError
        If the arrays are not one well-formed formula.
    """

    ops: NDArray[np.int16]
    args: NDArray[np.int16]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        ops = np.array(self.ops, dtype=np.int16, ndmin=1)
        args = np.array(self.args, dtype=np.int16, ndmin=1)
        values = np.array(self.values, dtype=np.float64, ndmin=1)
        if not (ops.ndim == 1 and ops.shape == args.shape == values.shape):
            raise ConfigError("an Expression needs ops, args and values of one length")
        known = (ops >= 0) & (ops < N_OPCODES)
        if not known.all():
            raise ConfigError(f"opcode {ops[~known][0]} is not in the operator table")
        heights = np.cumsum(1 - _ARITY[ops])
        if len(heights) == 0 or heights.min() < 1 or heights[-1] != 1:
            raise ConfigError("the postfix program is not one formula: operands and operators do not match")
        # One formula has one form, so that equality and hashes can compare bytes.
        args[ops != VARIABLE] = 0
        values[(ops != CONSTANT) & (ops != LITERAL)] = 0.0
        if np.any(args[ops == VARIABLE] < 0):
            raise ConfigError("a feature index of an Expression is negative")
        for name, array in (("ops", ops), ("args", args), ("values", values)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    # -- identity --------------------------------------------------------------------------------------------

    def _key(self) -> tuple[bytes, bytes, bytes]:
        return self.ops.tobytes(), self.args.tobytes(), self.values.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __len__(self) -> int:
        return len(self.ops)

    def __repr__(self) -> str:
        return f"Expression({self.text()})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.ops, self.args, self.values)

    # -- structure -------------------------------------------------------------------------------------------

    @property
    def constants(self) -> NDArray[np.float64]:
        """Values of the free constants, shape (n_constants,), in postfix order."""
        free: NDArray[np.float64] = self.values[self.ops == CONSTANT]
        return free

    @property
    def n_constants(self) -> int:
        return int(np.count_nonzero(self.ops == CONSTANT))

    @property
    def variables(self) -> tuple[int, ...]:
        """Indices of the features that occur, ascending."""
        return tuple(int(i) for i in np.unique(self.args[self.ops == VARIABLE]))

    @property
    def operators(self) -> frozenset[str]:
        """Names of the operators that occur."""
        return frozenset(OPERATORS_BY_CODE[int(op)].name for op in self.ops if op > VARIABLE)

    @property
    def depth(self) -> int:
        """Number of nodes on the longest way from the root to a leaf."""
        return self.fold(lambda _: 1, lambda _, below: 1 + max(below))

    def with_constants(self, constants: ArrayLike) -> Expression:
        """The same formula with other values of its free constants, shape (n_constants,)."""
        values = self.values.copy()
        values[self.ops == CONSTANT] = constants
        return Expression(self.ops, self.args, values)

    def fix(self, which: int, value: float) -> Expression:
        """Turn the free constant number ``which`` into an exact literal."""
        position = np.flatnonzero(self.ops == CONSTANT)[which]
        ops, values = self.ops.copy(), self.values.copy()
        ops[position], values[position] = LITERAL, value
        return Expression(ops, self.args, values)

    def subtree_start(self, root: int) -> int:
        """Index of the first node of the subtree whose last node is ``root``."""
        missing = 1
        i = root
        while True:
            entry = OPERATORS_BY_CODE.get(int(self.ops[i]))
            missing += (entry.arity if entry else 0) - 1
            if missing == 0:
                return i
            i -= 1

    def subtree(self, root: int) -> Expression:
        """The subtree whose last node is ``root``."""
        part = slice(self.subtree_start(root), root + 1)
        return Expression(self.ops[part], self.args[part], self.values[part])

    def children(self) -> tuple[Expression, ...]:
        """The operands of the root, left to right; empty for a leaf."""
        found: list[Expression] = []
        entry = OPERATORS_BY_CODE.get(int(self.ops[-1]))
        end = len(self) - 2
        for _ in range(entry.arity if entry else 0):
            found.append(self.subtree(end))
            end = self.subtree_start(end) - 1
        return tuple(reversed(found))

    def fold(self, leaf: Callable[[int], T], node: Callable[[int, list[T]], T]) -> T:
        """Value of the root when a leaf becomes ``leaf(i)`` and an operator ``node(i, [operands])``.

        ``i`` is the position in the program. There is no recursion, so that a program may be long.
        """
        stack: list[T] = []
        for i, op in enumerate(self.ops):
            entry = OPERATORS_BY_CODE.get(int(op))
            if entry is None:
                stack.append(leaf(i))
            else:
                below = stack[-entry.arity :]
                del stack[-entry.arity :]
                stack.append(node(i, below))
        return stack[0]

    def substitute(self, replacements: Sequence[Expression]) -> Expression:
        """Put ``replacements[k]`` in the place of every feature ``k``."""
        return self.fold(
            lambda i: replacements[int(self.args[i])] if self.ops[i] == VARIABLE else self.subtree(i),
            lambda i, below: apply(OPERATORS_BY_CODE[int(self.ops[i])].name, *below),
        )

    def evaluate(self, X: ArrayLike) -> NDArray[np.float64]:
        """Reference evaluation in NumPy (the kernels are the fast one).

        Parameters
        ----------
        X : float array, shape (n_features, n_rows)

        Returns
        -------
        float64 array, shape (n_rows,); NaN where the formula has no real value.
        """
        data = np.asarray(X, dtype=np.float64)
        with np.errstate(all="ignore"):
            value: Any = self.fold(
                lambda i: data[self.args[i]] if self.ops[i] == VARIABLE else np.float64(self.values[i]),
                lambda i, below: OPERATORS_BY_CODE[int(self.ops[i])].numpy(*below),
            )
        return np.broadcast_to(value, data.shape[1:]).astype(np.float64)

    # -- forms -----------------------------------------------------------------------------------------------

    def text(
        self, names: Sequence[str] | None = None, digits: int | Sequence[int | None] | None = None
    ) -> str:
        """Infix text that `parse` reads back; ``digits`` shortens the free constants, all or each."""
        from balmer.expressions.printers import to_text

        return to_text(self, names, digits)

    def latex(
        self, names: Sequence[str] | None = None, digits: int | Sequence[int | None] | None = None
    ) -> str:
        """LaTeX of the formula as it stands, not rearranged."""
        from balmer.expressions.latex import to_latex

        return to_latex(self, names, digits)

    def sympy(self, names: Sequence[str] | None = None, positive: Sequence[bool] | None = None) -> Any:
        """The formula as a sympy expression of plain symbols of these names.

        With ``positive``, one flag for each name, the symbols are positive or real, so that sympy simplifies more.
        """
        from balmer.expressions.sympy_bridge import to_sympy

        return to_sympy(self, names, positive)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    # -- building --------------------------------------------------------------------------------------------

    def __add__(self, other: Expression | float) -> Expression:
        return apply("add", self, _as_expression(other))

    def __sub__(self, other: Expression | float) -> Expression:
        return apply("sub", self, _as_expression(other))

    def __mul__(self, other: Expression | float) -> Expression:
        return apply("mul", self, _as_expression(other))

    def __truediv__(self, other: Expression | float) -> Expression:
        return apply("div", self, _as_expression(other))

    def __pow__(self, other: Expression | float) -> Expression:
        return apply("pow", self, _as_expression(other))

    def __neg__(self) -> Expression:
        return apply("neg", self)

    def __iter__(self) -> Iterator[tuple[int, int, float]]:
        return iter(zip(self.ops.tolist(), self.args.tolist(), self.values.tolist(), strict=True))


def constant(value: float) -> Expression:
    """A free constant, which a fit may change."""
    return _leaf(CONSTANT, 0, value)


def literal(value: float) -> Expression:
    """An exact number, which no fit changes."""
    return _leaf(LITERAL, 0, value)


def variable(index: int) -> Expression:
    """Feature number ``index``.

    Raises
    ------
    ConfigError
        If the index is negative or above 32767.
    """
    if not 0 <= index <= _LARGEST_FEATURE:
        raise ConfigError(f"the feature index {index} is outside 0 to {_LARGEST_FEATURE}")
    return _leaf(VARIABLE, index, 0.0)


def apply(name: str, *operands: Expression) -> Expression:
    """The operator of that name or symbol on these operands.

    Raises
    ------
    ConfigError
        If there is no such operator or it takes another number of arguments.
    """
    try:
        entry = operator(name)
    except KeyError:
        raise ConfigError(f"there is no operator {name!r}") from None
    if len(operands) != entry.arity:
        raise ConfigError(f"{name} takes {entry.arity} argument(s), {len(operands)} were given")
    return Expression(
        np.concatenate([*(o.ops for o in operands), [entry.code]]),
        np.concatenate([*(o.args for o in operands), [0]]),
        np.concatenate([*(o.values for o in operands), [0.0]]),
    )


def _leaf(op: int, arg: int, value: float) -> Expression:
    return Expression(np.array([op]), np.array([arg]), np.array([value]))


def _as_expression(value: Expression | float) -> Expression:
    if isinstance(value, Expression):
        return value
    number = float(value)
    # Small whole numbers written by a programmer are meant exactly; anything else may be fitted.
    return literal(number) if number == math.floor(number) and abs(number) <= 1000 else constant(number)
