"""Writes what is derived from the operator table: ``python -m balmer.kernels.generate``.

That is `loops.py`, with one inner loop per operator, and in a checkout `julia/operators.jl`, with the value, the
partial derivatives and the unit rule of each.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from pathlib import Path

from balmer.expressions.operators import OPERATORS, Operator, UnitRule

__all__ = ["JULIA_TARGET", "TARGET", "julia_source", "source"]

TARGET = Path(__file__).with_name("loops.py")
JULIA_TARGET = Path(__file__).parents[3] / "julia" / "operators.jl"

_HEAD = '''"""The inner loops, one per operator. Written by `balmer.kernels.generate`: do not edit."""

# ruff: noqa
# mypy: ignore-errors

import math

from balmer.kernels.elementary import (
    TRIG_RANGE,
    fast_cos,
    fast_exp,
    fast_expm1,
    fast_log,
    fast_log1p,
    fast_sin,
    fast_tanh,
)
from balmer.kernels.jit import loops_jit
from balmer.kernels.scalar import (
    cube_root,
    log_1m_exp,
    log_exp_m1,
    maximum,
    minimum,
    power,
    power_da,
    power_db,
)

__all__ = ["apply_block", "backward_block"]
'''

_FORWARD = '''

@loops_jit
def _largest(ws, p, width):
    """Largest absolute value of a block; NaN does not count."""
    largest = 0.0
    for j in range(width):
        largest = max(largest, abs(ws[p + j]))
    return largest


@loops_jit
def apply_block(op, ws, d, p, q, width):
    """ws[d + j] = op(ws[p + j], ws[q + j]) for j < width; the slots never overlap. All indices are uint64."""
    @BODY@
'''

_BACKWARD = '''

@loops_jit
def backward_block(op, ws, g, d, p, q, gp, gq, want_p, want_q, width):
    """Chain rule: from the adjoint at g of the value at d, the adjoints of its operands at gp and gq if wanted."""
    @BODY@
'''


def source() -> str:
    """The text of `loops.py`."""
    forward, backward = [], []
    for i, op in enumerate(OPERATORS.values()):
        word = "if" if i == 0 else "elif"
        forward += [f"{word} op == {op.code}:  # {op.name}", *_indent(_forward_loop(op))]
        backward += [f"{word} op == {op.code}:  # {op.name}", *_indent(_backward_loops(op))]
    return (
        _HEAD
        + _FORWARD.replace("@BODY@", "\n    ".join(forward))
        + _BACKWARD.replace("@BODY@", "\n    ".join(backward))
    )


def _forward_loop(op: Operator) -> list[str]:
    return _near_and_far(op, ["for j in range(width):", f"    ws[d + j] = {_at_row(op.kernel)}"])


def _backward_loops(op: Operator) -> list[str]:
    lines: list[str] = []
    for wanted, target, partial in zip(("want_p", "want_q"), ("gp", "gq"), op.partials, strict=False):
        lines += [
            f"if {wanted}:",
            "    for j in range(width):",
            f"        ws[{target} + j] = {_times_adjoint(partial)}",
        ]
    return _near_and_far(op, lines)


def _near_and_far(op: Operator, lines: list[str]) -> list[str]:
    """The fast functions where they are valid in the whole block, else those of the library."""
    if not op.far:
        return lines
    far = "\n".join(lines)
    for fast, library in op.far:
        far = far.replace(fast, library)
    return [
        "if _largest(ws, p, width) <= TRIG_RANGE:",
        *_indent(lines),
        "else:",
        *_indent(far.split("\n")),
    ]


def _times_adjoint(partial: str) -> str:
    if partial in ("1.0", "-1.0"):
        return partial.replace("1.0", "ws[g + j]")
    return f"ws[g + j] * ({_at_row(partial)})"


def _at_row(text: str) -> str:
    places = {"a": "ws[p + j]", "b": "ws[q + j]", "v": "ws[d + j]"}
    return re.sub(r"\b([abv])\b", lambda match: places[match[1]], text)


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


_JULIA_HEAD = """\
# Written by balmer.kernels.generate from the operator table in Python: do not edit.

"Name and number of arguments of each operator by its opcode."
const OPERATORS = Dict{Int,Tuple{String,Int}}(
@OPERATORS@)

# For code that may not look into a Dict: what belongs to an opcode stands at index opcode + 1. The first three, the
# leaves, take no arguments and have no rule.
const NAMES = String[@NAMES@]
const ARITY = Int8[@ARITY@]

"Name of the Julia function that gives an operator its meaning."
const FUNCTION = Symbol[@FUNCTION@]

# What an operator does to dimensions; POWER is the power of the rule of that name.
const RULE_LEAF = Int8(-1)
@RULES@
const RULE = Int8[@RULE@]
const POWER = Rational{Int}[@POWER@]

# Value of each operator and its derivatives with respect to the arguments a and b, in which v is the value. The second
# argument of a unary operator is not looked at, and its derivative is zero.
@inline value(::Val, a::Float64, b::Float64) = throw(ArgumentError("the opcode is not in the operator table"))
@VALUES@
@PARTIALS@
"""


_JULIA_SIGNS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.LtE: "<=",
    ast.GtE: ">=",
}


def julia_source() -> str:
    """The text of `operators.jl`."""
    table = list(OPERATORS.values())
    arguments = {1: "a", 2: "a, b"}
    parts = {
        "OPERATORS": "".join(f'    {op.code} => ("{op.name}", {op.arity}),\n' for op in table),
        "NAMES": _julia_row('"constant"', '"literal"', '"variable"', *(f'"{op.name}"' for op in table)),
        "ARITY": _julia_row("0", "0", "0", *(str(op.arity) for op in table)),
        "FUNCTION": _julia_row(*['Symbol("")'] * 3, *(f":{op.julia}" for op in table)),
        "RULES": "\n".join(f"const RULE_{rule.name} = Int8({rule.value})" for rule in UnitRule),
        "RULE": _julia_row(*["RULE_LEAF"] * 3, *(f"RULE_{op.unit_rule.name}" for op in table)),
        "POWER": _julia_row(
            *["1 // 1"] * 3, *(f"{op.power.numerator} // {op.power.denominator}" for op in table)
        ),
        "VALUES": "\n".join(
            f"@inline value(::Val{{{op.code}}}, a::Float64, b::Float64) = {op.julia}({arguments[op.arity]})"
            for op in table
        ),
        "PARTIALS": "\n".join(
            f"@inline partials(::Val{{{op.code}}}, a::Float64, b::Float64, v::Float64) = ({_julia_partials(op)})"
            for op in table
        ),
    }
    return re.sub("@([A-Z]+)@", lambda match: parts[match[1]], _JULIA_HEAD)


def _julia_row(*entries: str) -> str:
    """The entries on lines of at most 120 characters."""
    lines = textwrap.wrap(",  ".join(e.replace(" ", "\0") for e in entries), 114, break_on_hyphens=False)
    return "\n" + "".join(f"    {line}\n" for line in lines).replace("\0", " ").replace(",  ", ", ")


def _julia_partials(op: Operator) -> str:
    partials = [_julia_expression(ast.parse(partial, mode="eval").body) for partial in op.partials]
    return ", ".join([*partials, "0.0"][:2])


def _julia_expression(node: ast.expr) -> str:
    """Julia of an arithmetic expression; a library function is called by what the table says it is in Julia."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=value):
            return repr(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_julia_operand(operand)}"
        case ast.BinOp(left=left, op=sign, right=right):
            return f"{_julia_operand(left)} {_JULIA_SIGNS[type(sign)]} {_julia_operand(right)}"
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return f"{_julia_operand(left)} {_JULIA_SIGNS[type(sign)]} {_julia_operand(right)}"
        case ast.IfExp(test=test, body=body, orelse=other):
            return f"ifelse({', '.join(map(_julia_expression, (test, body, other)))})"
        case ast.Call(func=function, args=arguments):
            name = ast.unparse(function).removeprefix("math.").removeprefix("fast_")
            name = OPERATORS[name].julia if name in OPERATORS else name
            return f"{name}({', '.join(map(_julia_expression, arguments))})"
    raise NotImplementedError(f"{ast.unparse(node)} has no translation to Julia yet")


def _julia_operand(node: ast.expr) -> str:
    text = _julia_expression(node)
    return f"({text})" if isinstance(node, ast.BinOp | ast.Compare) else text


def _main() -> int | str:
    texts = {TARGET: source()}
    if JULIA_TARGET.parent.is_dir():
        texts[JULIA_TARGET] = julia_source()
    if sys.argv[1:] == ["--check"]:
        stale = any(
            not path.exists() or path.read_text(encoding="utf-8") != text for path, text in texts.items()
        )
        return "run python -m balmer.kernels.generate" if stale else 0
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
