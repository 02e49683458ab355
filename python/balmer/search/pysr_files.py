"""PySR's halls of fame become Fronts, and Fronts become PySR's guesses; its text is parsed, never executed."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from balmer.data import Dataset
from balmer.engines import Problem
from balmer.errors import BalmerWarning, ConfigError, DataError
from balmer.expressions import CustomOperator, Expression, express_in, parse
from balmer.expressions.operators import OPERATORS, OPERATORS_BY_CODE, VARIABLE
from balmer.expressions.pysr import pysr_operator
from balmer.search.base_scale import from_columns, to_columns
from balmer.search.law import Law
from balmer.search.refine import law_of, refit

__all__ = ["pysr_guess", "pysr_laws", "read_equation"]

_FILE = "hall_of_fame.csv"
_COLUMNS = {"complexity", "loss", "equation"}
_ORIGIN = "PySR"

# PySR's operators that are formulas of ours. In its safe_ functions, as in ours, a value that is not real is NaN.
_DEFINITIONS = (
    "plus(x, y) = x + y",
    "mult(x, y) = x*y",
    "safe_pow(x, y) = pow(x, y)",
    "safe_log(x) = log(x)",
    "safe_log2(x) = log2(x)",
    "safe_log10(x) = log10(x)",
    "safe_log1p(x) = log1p(x)",
    "safe_sqrt(x) = sqrt(x)",
    "safe_asin(x) = asin(x)",
    "safe_acos(x) = acos(x)",
    "sqrt_abs(x) = sqrt(abs(x))",
    "log_abs(x) = log(abs(x))",
    "log2_abs(x) = log2(abs(x))",
    "log10_abs(x) = log10(abs(x))",
    "log1p_abs(x) = log(abs(x) + 1)",
    "pow_abs(x, y) = pow(abs(x), y)",
    "asinh(x) = log(x + sqrt(x**2 + 1))",
    "acosh(x) = log(x + sqrt(x - 1)*sqrt(x + 1))",
    "safe_acosh(x) = log(x + sqrt(x - 1)*sqrt(x + 1))",
    "acosh_abs(x) = log(abs(x) + 1 + sqrt(abs(x)*(abs(x) + 2)))",
    "atanh(x) = log((1 + x)/(1 - x))/2",
    "safe_atanh(x) = log((1 + x)/(1 - x))/2",
    "relu(x) = max(x, 0)",
    "fma(x, y, z) = x*y + z",
    "muladd(x, y, z) = x*y + z",
    "clamp(x, y, z) = min(max(x, y), z)",
)
_WITHOUT_COUNTERPART = re.compile(
    "atanh_clip|ceil|cond|erfc?|floor|gamma|(greater|less)(_equal)?|logical_(and|or)|mod|round|sign"
)
_WORD = re.compile(r"[^\W\d]\w*")
_PLACE = re.compile(r"x(\d{1,5})")
_SUBSCRIPT = re.compile(r"x([₀₁₂₃₄₅₆₇₈₉]{1,5})")  # how SymbolicRegression.jl counts features, from 1
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

# Operators in PySR's spelling; what is not here has its own name, and expm1 and its like are rewritten.
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "^"}
_NOT_IN_PYSR = frozenset({"expm1", "logexpm1", "log1mexp"})


def pysr_laws(
    source: Any, data: Dataset | Problem, *, operators: Iterable[str | CustomOperator] = ()
) -> list[Law]:
    """The equations of a PySR run as laws on this data; see `Front.from_pysr`.

    Raises
    ------
    ConfigError, DataError
        Naming the file, the row and what is in it.
    """
    problem = data if isinstance(data, Problem) else _problem(data)
    label, rows = _rows(source)
    if not rows:
        raise DataError(f"{label} holds no equation")
    names = _names([text for _, text in rows], problem.dataset.feature_names)
    known = [o if isinstance(o, CustomOperator) else CustomOperator.from_definition(o) for o in operators]
    laws, left_out = [], []
    for number, text in rows:
        try:
            expression = read_equation(text, names, operators=known)
        except ConfigError as error:
            raise ConfigError(f"row {number} of {label}: {error}") from None
        # PySR knows no units: its equations are of the columns' own numbers.
        expression = from_columns(expression, problem.dataset.features, problem.dataset.target)
        refined = refit(expression, problem, _ORIGIN)
        if np.isfinite(refined.loss):
            laws.append(law_of(refined, problem))
        else:
            left_out.append(str(number))
    if left_out:
        warnings.warn(
            f"of {label} row{'s' * (len(left_out) > 1)} {', '.join(left_out)} left out: no finite value in every "
            f"row of these data",
            BalmerWarning,
            stacklevel=3,
        )
    return laws


def read_equation(text: str, names: Sequence[str], *, operators: Iterable[CustomOperator] = ()) -> Expression:
    """An equation as PySR and SymbolicRegression.jl write it, such as ``2.5 * square(x0) - cos(x1 ^ 3.0)``.

    Parameters
    ----------
    names : what the text calls the features, in order; x0, x1, ... and x₁, x₂, ... are understood beside them.
    operators : PySR's custom operators.

    Raises
    ------
    ConfigError
        If it is no formula, or has an operator that Balmer has no formula for.
    """
    if "#" in text or ";" in text:
        raise ConfigError("the equation is a template's, which is several formulas; leave that row out")
    own = {operator.name: operator for operator in operators}
    known = {**{o.name: o for o in _definitions()}, **own}
    taken = set(names)

    def place(match: re.Match[str]) -> str:
        index = int(match[1].translate(_DIGITS)) - 1
        return match[0] if match[0] in taken or not 0 <= index < len(names) else _quoted(names[index])

    text = _SUBSCRIPT.sub(place, text)
    for word in _WORD.findall(text):
        if _WITHOUT_COUNTERPART.fullmatch(word) and word not in known and word not in taken:
            raise ConfigError(
                f"the equation uses {word}, which is no operator of Balmer's; leave that row out, or define it in "
                f"operators, as in 'double(x) = 2*x'"
            )
    return parse(text, names, operators=[o for o in known.values() if o.name not in taken])


def pysr_guess(
    law: Law, *, operators: Iterable[str] | None = None, names: Sequence[str] | None = None
) -> str | None:
    """One law as a guess for PySR; see `Front.to_pysr_guesses`. None if it cannot be written with these operators.

    Raises
    ------
    ConfigError
        If a feature's name cannot stand in PySR's formulas, or an operator is not known.
    """
    names = law.names if names is None else names
    if len(names) != len(law.names):
        raise ConfigError(f"names: the law has {len(law.names)} features, {len(names)} names were given")
    for i in law.expression.variables:
        if not (names[i].isidentifier() and names[i].isascii()):
            raise ConfigError(
                f"the column {names[i]!r} has a name that PySR does not take; give names, such as {_example(names)}"
            )
    allowed = set(OPERATORS) - _NOT_IN_PYSR
    if operators is not None:
        read = (pysr_operator(word, "operators", None) for word in operators)
        allowed = {found for found in read if isinstance(found, str)}
    whole = to_columns(law.expression, law.features, law.target)
    expression: Expression | None = whole
    if not whole.operators <= allowed:
        expression = express_in(whole, allowed)
    return None if expression is None else _text(expression, names)


def _text(expression: Expression, names: Sequence[str]) -> str:
    """With all parentheses: Julia's precedence is then of no matter, nor what it makes of a + b + c."""

    def leaf(i: int) -> str:
        if expression.ops[i] == VARIABLE:
            return str(names[expression.args[i]])
        value = float(expression.values[i])
        return repr(value) if value >= 0 else f"({value!r})"

    def node(i: int, below: list[str]) -> str:
        name = OPERATORS_BY_CODE[int(expression.ops[i])].name
        if name in _INFIX:
            return f"({below[0]} {_INFIX[name]} {below[1]})"
        return f"{name}({', '.join(map(_bare, below))})"

    return _bare(expression.fold(leaf, node))


def _bare(text: str) -> str:
    """Without the parentheses around the whole, which only sums, products, powers and negative numbers have."""
    return text[1:-1] if text.startswith("(") else text


@cache
def _definitions() -> tuple[CustomOperator, ...]:
    return tuple(CustomOperator.from_definition(text) for text in _DEFINITIONS)


def _problem(data: Any) -> Problem:
    if not isinstance(data, Dataset):
        raise ConfigError(
            f"from_pysr takes the Dataset that PySR has seen, not {type(data).__name__}; see Dataset.from_arrays"
        )
    return Problem(data)


def _names(texts: Sequence[str], columns: Sequence[str]) -> list[str]:
    """What the equations call the columns: their names, with PySR's underscores for blanks, or x0, x1, ..."""
    names = [name.replace(" ", "_") for name in columns]
    words = {word for text in texts for word in _WORD.findall(text)}
    by_place = any(_PLACE.fullmatch(word) and word not in names for word in words)
    return [f"x{i}" for i in range(len(columns))] if by_place else names


def _rows(source: Any) -> tuple[str, list[tuple[int, str]]]:
    """How to call the source in a message, and its equations with the numbers of their rows."""
    if isinstance(source, str | os.PathLike):
        path = _csv_of(Path(source))
        return f"file '{path}'", _csv_rows(path)
    table = source if hasattr(source, "columns") else getattr(source, "equations_", None)
    if isinstance(table, list):
        raise ConfigError("the model has several targets; give one of its tables, as in model.equations_[0]")
    columns = {str(name).lower(): name for name in getattr(table, "columns", ())}
    if table is None or "equation" not in columns:
        raise ConfigError(
            f"from_pysr takes {_FILE}, the directory it lies in, or a fitted PySRRegressor, not "
            f"{type(source).__name__}{' without equations_' if table is None else ''}"
        )
    return "the model's equations_", list(enumerate(map(str, table[columns["equation"]]), start=1))


def _csv_of(path: Path) -> Path:
    if path.suffix in (".pkl", ".pickle"):
        raise ConfigError(
            f"file '{path}' is a pickle, which can run any program when it is read; give the {_FILE} beside it"
        )
    if path.is_dir():
        several = sorted(path.glob("hall_of_fame_output*.csv"))
        if several and not (path / _FILE).is_file():
            raise ConfigError(
                f"the directory '{path}' has one hall of fame for each target; name one, such as '{several[0]}'"
            )
        path = path / _FILE
    if not path.is_file():
        raise DataError(f"file '{path}' does not exist")
    return path


def _csv_rows(path: Path) -> list[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"file '{path}' cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    head = [name.strip().lower() for name in lines[0]] if lines else []
    if not set(head) >= _COLUMNS:
        raise DataError(
            f"file '{path}' is no hall of fame of PySR: its columns are not Complexity,Loss,Equation"
        )
    place = head.index("equation")
    rows = []
    for number, line in zip(count(1), (line for line in lines[1:] if line), strict=False):
        if len(line) != len(head):
            raise DataError(f"row {number} of file '{path}' has {len(line)} cells in place of {len(head)}")
        rows.append((number, line[place]))
    return rows


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _example(names: Sequence[str]) -> str:
    return repr([f"x{i}" for i in range(len(names))])
