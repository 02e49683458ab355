"""PySR's spellings of operators, for users who come from there."""

from __future__ import annotations

import numpy as np

from balmer.errors import ConfigError
from balmer.expressions.custom import CustomOperator
from balmer.expressions.expression import apply, variable
from balmer.expressions.operators import OPERATORS, operator_name

__all__ = ["PYSR_NAMES", "pysr_operator"]

PYSR_NAMES = {"plus": "add", "mult": "mul"}


def pysr_operator(word: str | CustomOperator, option: str, arity: int | None) -> str | CustomOperator:
    """The table's name of an operator in PySR's spelling, or a custom operator.

    Parameters
    ----------
    word : str or CustomOperator
        A name or symbol of PySR or of Balmer, or a definition such as ``"inv(x) = 1/x"``.
    option : str
        The parameter it was given for, for messages.
    arity : int, optional
        Number of arguments it must take.

    Raises
    ------
    ConfigError
        If there is no such operator, or it takes another number of arguments.
    """
    found: str | CustomOperator
    if isinstance(word, CustomOperator):
        found = word
    elif not isinstance(word, str):
        raise ConfigError(f"{option}: {word!r} is no operator; accepted are names, symbols, 'inv(x) = 1/x'")
    elif "=" in word:
        found = _definition(word)
    elif word == "-" and arity == 1:
        found = "neg"
    else:
        try:
            found = operator_name(PYSR_NAMES.get(word, word))
        except ConfigError as error:
            raise ConfigError(f"{option}: {error}") from None
    takes = OPERATORS[found].arity if isinstance(found, str) else found.arity
    if arity not in (None, takes):
        raise ConfigError(f"{option}: {word!r} takes {takes} argument{'s' * (takes > 1)}, not {arity}")
    return found


def _definition(text: str) -> str | CustomOperator:
    """A custom operator; PySR's users also define what stands in the table, as in ``inv(x) = 1/x``."""
    name = text.partition("(")[0].strip()
    known = OPERATORS.get(name)
    if known is None:
        return CustomOperator.from_definition(text)
    defined = CustomOperator.from_definition(text.replace(name, f"{name}_", 1))
    rows = np.linspace(-2.9, 3.1, 2 * 13).reshape(2, 13)
    meant = apply(name, *(variable(i) for i in range(known.arity)))
    with np.errstate(all="ignore"):
        if defined.arity == known.arity and np.allclose(
            defined.body.evaluate(rows), meant.evaluate(rows), rtol=1e-12, equal_nan=True
        ):
            return name
    raise ConfigError(f"{text!r}: {name} is an operator already, and another; choose another name")
