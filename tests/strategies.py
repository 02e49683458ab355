"""Hypothesis strategies for formulas: well-formed Expressions over every operator, and rows to put in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from balmer.expressions import OPERATORS, Expression, apply, constant, literal, variable

WHOLE = st.integers(-12, 12).map(float)
RATIOS = st.tuples(st.integers(-30, 30), st.integers(1, 12)).map(lambda pq: pq[0] / pq[1])
LITERALS = st.one_of(WHOLE, RATIOS, st.sampled_from([np.pi, -np.pi]))
CONSTANTS = st.one_of(
    st.floats(-100, 100, allow_subnormal=False), st.floats(1e-9, 1e9), st.sampled_from([0.5, 2.0, -1.0])
)


def leaves(n_features: int = 3) -> st.SearchStrategy[Expression]:
    """One feature, free constant or literal."""
    return st.one_of(
        st.integers(0, n_features - 1).map(variable), CONSTANTS.map(constant), LITERALS.map(literal)
    )


def expressions(
    n_features: int = 3, max_leaves: int = 8, operators: Sequence[str] = tuple(OPERATORS)
) -> st.SearchStrategy[Expression]:
    """Random well-formed formulas over these operators."""

    def larger(smaller: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        return st.one_of(
            *(
                st.builds(lambda *o, name=name: apply(name, *o), *[smaller] * OPERATORS[name].arity)
                for name in operators
            )
        )

    return st.recursive(leaves(n_features), larger, max_leaves=max_leaves)


def rows(n_features: int = 3, n_rows: int = 5, low: float = -4.0, high: float = 4.0):
    """A matrix X of shape (n_features, n_rows)."""
    return hnp.arrays(np.float64, (n_features, n_rows), elements=st.floats(low, high, width=32))
