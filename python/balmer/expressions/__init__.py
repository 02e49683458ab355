"""Formulas: the operator table, the postfix Expression, and the ways to write, read and rewrite one."""

from balmer.expressions.canonical import canonical
from balmer.expressions.complexity import Complexity
from balmer.expressions.constraints import Constraints
from balmer.expressions.custom import CustomOperator
from balmer.expressions.derivative import derivative
from balmer.expressions.dimensions import DimensionReport, check_dimensions
from balmer.expressions.expression import Expression, apply, constant, literal, variable
from balmer.expressions.latex import latex_name, latex_number, to_latex
from balmer.expressions.operators import OPERATORS, Operator, operator_name
from balmer.expressions.parser import is_bare_name, parse
from balmer.expressions.precise import precisely
from balmer.expressions.printers import to_text
from balmer.expressions.rewrite import express_in
from balmer.expressions.rounding import rounding
from balmer.expressions.simplify import simplify
from balmer.expressions.sympy_bridge import from_sympy, to_sympy
from balmer.expressions.tidy import tidy, with_plain_numbers
from balmer.expressions.tie import tie

__all__ = [
    "OPERATORS",
    "Complexity",
    "Constraints",
    "CustomOperator",
    "DimensionReport",
    "Expression",
    "Operator",
    "apply",
    "canonical",
    "check_dimensions",
    "constant",
    "derivative",
    "express_in",
    "from_sympy",
    "is_bare_name",
    "latex_name",
    "latex_number",
    "literal",
    "operator_name",
    "parse",
    "precisely",
    "rounding",
    "simplify",
    "tidy",
    "tie",
    "to_latex",
    "to_sympy",
    "to_text",
    "variable",
    "with_plain_numbers",
]
