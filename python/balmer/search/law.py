"""The Law: a formula with its fitted constants and errors, ready to be read, plotted and used."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.data import Column, Dataset
from balmer.errors import DataError
from balmer.expressions import Expression
from balmer.expressions.operators import CONSTANT, OPERATORS
from balmer.search.base_scale import factor, in_columns, into_unit_of, reading
from balmer.search.digits import shown_digits
from balmer.search.exact import ExactNumber
from balmer.search.rounding import number_with_error
from balmer.search.selection import Score
from balmer.units import Unit, solve_powers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Constant", "Law"]


@dataclass(frozen=True)
class Constant:
    """A fitted constant: its name in the formula, value, error and unit (None where it is not known).

    value ± error holds 68.3 %; see `balmer.search.refine.covariance` for how.
    """

    name: str
    value: float
    error: float
    unit: Unit | None

    def __str__(self) -> str:
        unit = "" if self.unit is None or self.unit.text in ("", "1") else f" {self.unit}"
        return f"{self.name} = {number_with_error(self.value, self.error)}{unit}"


@dataclass(frozen=True, eq=False, repr=False)
class Law:
    """A formula for the target.

    Attributes
    ----------
    expression : the formula; its free constants are the fitted values. It is of numbers in base scale: angles in
        radians, per cent as fractions, see `reading`; `predict`, `to_numpy` and `sympy` take the columns' own.
    loss : that of the `Objective` on all rows: by default the weighted mean of squared residuals (with uncertainties,
        of (residual/sigma)^2).
    complexity : sum of the costs of its nodes.
    score : description length, BIC and AIC.
    covariance : float64 array, shape (n_constants, n_constants), of the free constants.
    constants : the free constants with errors and units, in the order of the expression.
    units_hold : whether the formula is dimensionally right; None where units are missing.
    origin : the part of the search that found it.
    features, target : the columns it speaks of.
    positive : for each feature, whether it is positive in all rows (an assumption sympy may use).
    exact : the numbers of the formula that the data prove to be exact, with what a fit gives for them if they are free;
        the errors of the constants are those of that fit.
    """

    expression: Expression
    loss: float
    complexity: int
    score: Score
    covariance: NDArray[np.float64]
    constants: tuple[Constant, ...]
    units_hold: bool | None
    origin: str
    features: tuple[Column, ...]
    target: Column
    positive: tuple[bool, ...]
    exact: tuple[ExactNumber, ...] = ()

    @property
    def wildcards(self) -> tuple[Constant, ...]:
        """The constants with a unit that no product of powers of the features has: the data speak of it nowhere else.

        Such a constant may be a law of nature's own, as that of Hubble, or hide a wrong formula or a wrong unit.
        """
        used = [self.features[i].unit for i in self.expression.variables]
        known = [column.unit.dimension for column in self.features if column.unit is not None]
        if None in used:
            return ()
        return tuple(
            constant
            for constant in self.constants
            if constant.unit is not None and solve_powers(constant.unit.dimension, known) is None
        )

    @property
    def carried(self) -> str:
        """Which constants carry a unit that the features do not have, as ``c1 carries a unit (nm)``; empty if none."""
        return self.carried_by([constant.name for constant in self.constants])

    def carried_by(self, symbols: Sequence[str]) -> str:
        """`carried`, with other symbols for the constants."""
        wild = self.wildcards
        named = [(s, str(c.unit)) for s, c in zip(symbols, self.constants, strict=True) if c in wild]
        names, units = [name for name, _ in named], [unit for _, unit in named]
        if len(wild) < 2:
            return f"{names[0]} carries a unit ({units[0]})" if wild else ""
        return f"{', '.join(names[:-1])} and {names[-1]} carry units ({', '.join(units)})"

    @property
    def has_fitted_exponent(self) -> bool:
        """Whether a power has a free constant for an exponent, with which the units of others change."""
        e = self.expression
        power = OPERATORS["pow"].code
        return any(e.ops[i] == power and e.ops[i - 1] == CONSTANT for i in range(1, len(e)))

    @property
    def reading(self) -> str:
        """How the numbers of the formula are to be read where that is not as in the columns: ``theta in rad (...)``."""
        used = [self.features[i] for i in self.expression.variables]
        return reading([*used, self.target])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(column.name for column in self.features)

    def text(self, digits: int | Sequence[int | None] | Literal["errors"] | None = "errors") -> str:
        """The right-hand side as text.

        By default each constant is rounded to two digits of its error (`balmer.search.digits`); a number asks for so
        many significant digits, and None for every digit, with which the text reads back as the law.
        """
        return self.expression.text(self.names, self._digits(digits))

    def _digits(self, digits: Any) -> int | Sequence[int | None] | None:
        asked: int | Sequence[int | None] | None = digits
        return self.shown_digits if digits == "errors" else asked

    @property
    def shown_digits(self) -> list[int | None]:
        """Significant digits of each constant in a short formula; None for all."""
        return shown_digits(self.expression.constants, self.covariance, more=int(bool(self.exact)))

    def __str__(self) -> str:
        lines = [f"{self.target.name} = {self.text()}"]
        lines += [f"  {constant}" for constant in self.constants]
        lines += [f"  {number}" for number in self.exact if not number.implied]
        lines += [f"  {note}" for note in (self.carried, self.reading and f"with {self.reading}") if note]
        lines.append(f"  loss {self.loss:.4g}, complexity {self.complexity}, from {self.origin}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Law {self.target.name} = {self.text()}>"

    def latex(self, digits: int | Sequence[int | None] | Literal["errors"] | None = "errors") -> str:
        """LaTeX of the whole equation, with digits as in `text`."""
        from balmer.expressions.latex import latex_name

        return f"{latex_name(self.target.name)} = {self.expression.latex(self.names, self._digits(digits))}"

    def sympy(self, assumptions: bool = False) -> Any:
        """The right-hand side as a sympy expression.

        Its symbols are plain and bear the columns' names, so that ``law.sympy().diff(sympy.Symbol("t"))`` means the
        column t. With ``assumptions`` they are real, or positive where all of the column is: sympy then simplifies
        more, but such a symbol is another than a plain one of its name. They stand for the columns' own numbers, and
        the value is in the target's unit: of an angle in degrees there is ``cos(pi*theta/180)``.
        """
        formula = self.expression.sympy(self.names, self.positive if assumptions else None)
        return in_columns(formula, self.features, self.target)

    @property
    def symbols(self) -> dict[str, Any]:
        """The plain sympy symbol of each feature, by name."""
        import sympy

        return {name: sympy.Symbol(name) for name in self.names}

    def predict(self, X: ArrayLike | Mapping[str, ArrayLike] | pd.DataFrame | Dataset) -> NDArray[np.float64]:
        """Values of the law.

        Parameters
        ----------
        X : a Dataset, a table or mapping with columns of the features' names, or an array of shape
            (n_rows, n_features) with the features in order; in the units of the law's own columns, but for a Dataset
            whose columns have others of the same dimension, which are converted.

        Returns
        -------
        float64 array, shape (n_rows,), in the target's unit; NaN where the law has no real value.

        Raises
        ------
        DataError
            If a column is missing or the array has another number of columns.
        """
        from balmer.kernels import evaluate

        matrix, of_target = self._matrix(X), factor(self.target)
        factors = [factor(column) for column in self.features]
        if any(f != 1.0 for f in factors):
            matrix = matrix * np.array(factors)[:, None]
        values = evaluate(self.expression, matrix)
        return values if of_target == 1.0 else values / of_target

    def to_numpy(self) -> Callable[..., Any]:
        """The law as a function of its features, in order or by name, scalars or arrays that broadcast.

        It takes and gives numbers in the units of the columns.
        """
        names, expression = self.names, self.expression
        factors, of_target = [factor(column) for column in self.features], factor(self.target)

        def law(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(names, args, strict=False)) | kwargs
            used = [names[i] for i in expression.variables]
            missing = [name for name in used if name not in given]
            if missing or len(args) > len(names):
                raise DataError(
                    f"the law takes {', '.join(map(repr, names))}; missing: {', '.join(missing) or 'none'}"
                )
            arrays = np.broadcast_arrays(*(np.asarray(given[name], dtype=float) for name in used or given))
            shape = arrays[0].shape if arrays else ()
            X = np.zeros((len(names), max(int(np.prod(shape)), 1)))
            for i, array in zip(expression.variables, arrays, strict=bool(used)):
                X[i] = array.ravel() * factors[i]
            values = expression.evaluate(X) / of_target
            return values.reshape(shape) if shape else float(values[0])

        law.__name__ = "law"
        law.__doc__ = f"{self.target.name} = {self.text()}"
        return law

    def _matrix(self, X: Any) -> NDArray[np.float64]:
        if isinstance(X, Dataset):
            units = [into_unit_of(column, X) for column in self.features]
            if X.feature_names == self.names:
                return X.X if all(u == 1.0 for u in units) else X.X * np.array(units)[:, None]
            rows = dict(zip(X.feature_names, X.X, strict=True))
            by_name = dict(zip(self.names, units, strict=True))
            X = {name: row * by_name.get(name, 1.0) for name, row in rows.items()}
        if isinstance(X, Mapping) or hasattr(X, "columns"):
            for i in self.expression.variables:
                if self.names[i] not in X:
                    raise DataError(
                        f"column {self.names[i]!r} of the law is missing; there are {', '.join(map(str, X))}"
                    )
            used = self.expression.variables
            columns = (
                [self.names[used[0]]] if used else list(X)
            )  # a constant has as many values as any column
            n = len(X[columns[0]]) if columns else len(X)
            matrix = np.zeros((len(self.names), n))
            for i in self.expression.variables:
                matrix[i] = np.asarray(X[self.names[i]], dtype=np.float64)
            return matrix
        array = np.asarray(X, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(self.names):
            raise DataError(
                f"the law takes an array of shape (n_rows, {len(self.names)}) with columns {', '.join(self.names)}; "
                f"an array of shape {array.shape} was given"
            )
        return np.ascontiguousarray(array.T)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        numbers = (*self.constants, *(number for number in self.exact if not number.implied))
        rows = "".join(f"<li>{html.escape(str(number))}</li>" for number in numbers)
        return (
            f"<div>{self._repr_latex_()}<ul>{rows}</ul>"
            f"<small>loss {self.loss:.4g}, complexity {self.complexity}, from {html.escape(self.origin)}</small></div>"
        )
