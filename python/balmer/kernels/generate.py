"""Writes what is derived from the operator table: ``python -m balmer.kernels.generate``.

That is `loops.py`, with one inner loop per operator, `pairs.py`, with one for any two of arithmetic, and in a checkout
`julia/operators.jl`, with the value, the partial derivatives and the unit rule of each.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from pathlib import Path

from balmer.expressions.operators import OPERATORS, Operator, UnitRule

__all__ = [
    "JULIA_TARGET",
    "PAIRS_TARGET",
    "TARGET",
    "TARGET32",
    "julia_source",
    "pairs_source",
    "source",
    "source32",
]

TARGET = Path(__file__).with_name("loops.py")
PAIRS_TARGET = Path(__file__).with_name("pairs.py")
TARGET32 = Path(__file__).with_name("loops32.py")
JULIA_TARGET = Path(__file__).parents[3] / "julia" / "operators.jl"

_HEAD = '''"""The inner loops, one per operator. Written by `balmer.kernels.generate`: do not edit."""

# ruff: noqa
# mypy: ignore-errors

import math

import numpy as np

from balmer.kernels.elementary import (
    TRIG_RANGE,
    fast_cos,
    fast_exp,
    fast_expm1,
    fast_log,
    fast_log1p,
    fast_pow,
    fast_sin,
    fast_tanh,
    log_parts,
    near_log_parts,
    near_power,
    near_power_range,
    power_of_parts,
)
from balmer.kernels.jit import loops_jit
from balmer.kernels.quotient import quotient
from balmer.kernels.scalar import (
    cube_root,
    log_1m_exp,
    log_exp_m1,
    maximum,
    minimum,
    power_da,
    power_db,
    power_db_of_log,
)

__all__ = ["apply_block", "apply_fused", "apply_power", "backward_block"]
'''

_FORWARD = '''

@loops_jit
def apply_power(ws, d, p, q, keep, width):
    """ws[d + j] = ws[p + j] ** ws[q], the same number for all; at `keep` is left the logarithm of |ws[p + j]|.

    Most powers can do with less of the logarithm; the others are told by their bases.
    """
    c = ws[q]
    least, most = near_power_range(c)
    near = 0.0
    for j in range(width):
        near += 1.0 if (least < abs(ws[p + j])) & (abs(ws[p + j]) < most) else 0.0
    if near > 0.0:
        for j in range(width):
            ws[keep + j], ws[d + j] = near_log_parts(abs(ws[p + j]))
        for j in range(width):
            ws[d + j] = near_power(ws[p + j], c, ws[keep + j], ws[d + j])
        if near < width:
            for j in range(width):
                high, low = log_parts(abs(ws[p + j]))
                is_near = (least < abs(ws[p + j])) & (abs(ws[p + j]) < most)
                y = power_of_parts(ws[p + j], c, high, low)
                ws[d + j] = ws[d + j] if is_near else y
                ws[keep + j] = ws[keep + j] if is_near else high
    else:
        for j in range(width):
            ws[keep + j], ws[d + j] = log_parts(abs(ws[p + j]))
        for j in range(width):
            ws[d + j] = power_of_parts(ws[p + j], c, ws[keep + j], ws[d + j])


@loops_jit
def apply_fused(op, ws, d, p, q, r, width):
    """Like `apply_block`, for a product of p and q to which r is added, or which is taken from the other."""
    @FUSED@


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
    forward += _constant_forms()
    backward += [
        "elif op == 264:  # pow, as `apply_power` leaves it",
        "    if want_p:",
        "        for j in range(width):",
        "            ws[gp + j] = ws[g + j] * power_da(ws[p + j], ws[q], ws[d + j])",
        "    if want_q:",
        "        for j in range(width):",
        "            ws[gq + j] = ws[g + j] * power_db_of_log(ws[p + j], ws[d + j], ws[gq + j])",
    ]
    return (
        _HEAD
        + _FORWARD.replace("@BODY@", "\n    ".join(forward)).replace("@FUSED@", "\n    ".join(_fused_forms()))
        + _BACKWARD.replace("@BODY@", "\n    ".join(backward))
    )


def source32() -> str:
    """The text of `loops32.py`: the same loops with the functions, and every number, of float32."""
    text = re.sub(r"balmer\.kernels\.(elementary|scalar)\b", "balmer.kernels.elementary32", source())
    text = re.sub(r"(?<![\w.])\d+\.\d+", r"np.float32(\g<0>)", text)
    return text.replace("one per operator.", "one per operator, for float32.")


def _forward_loop(op: Operator) -> list[str]:
    return _near_and_far(op, ["for j in range(width):", f"    ws[d + j] = {_at_row(op.kernel)}"])


def _constant_forms() -> list[str]:
    """Arithmetic with a single number for one operand: see `FILL` and its like in `entry.py`."""
    lines = ["elif op == 1:  # fill", "    c = ws[p]", "    for j in range(width):", "        ws[d + j] = c"]
    lines += ["elif op == 2:  # copy", "    for j in range(width):", "        ws[d + j] = ws[p + j]"]
    for name in ("add", "sub", "mul", "div"):
        op = OPERATORS[name]
        for offset, number in ((64, "q"), (128, "p")):
            at_row = _at_row(op.kernel).replace(
                f"ws[{number} + j]", "c"
            )  # what depends on c alone is hoisted
            divides = name == "div" and number == "q"
            at_row = "quotient(ws[p + j], c, inverse)" if divides else at_row
            lines += [
                f"elif op == {op.code + offset}:  # {name}, {'right' if number == 'q' else 'left'} a number",
                f"    c = ws[{number}]",
                *(["    inverse = ws.dtype.type(1.0) / c"] if divides else []),
                "    for j in range(width):",
                f"        ws[d + j] = {at_row}",
            ]
    return lines


def _fused_forms() -> list[str]:
    """See `FUSED` in `entry.py`: the sum, the difference and the difference the other way, of columns or a number."""
    lines: list[str] = []
    for number in (False, True):
        product = "c * ws[p + j]" if number else "ws[p + j] * ws[q + j]"
        for k, text in enumerate(
            (f"{product} + ws[r + j]", f"{product} - ws[r + j]", f"ws[r + j] - {product}")
        ):
            lines += [f"{'elif' if lines else 'if'} op == {256 + 4 * number + k}:"]
            lines += ["    c = ws[q]"] if number else []
            lines += ["    for j in range(width):", f"        ws[d + j] = {text}"]
    return lines


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
    """The fast functions, and where they do not reach those of the library."""
    if not op.far:
        return lines
    near, far = ["far = 0.0"], []
    for line in lines:
        place, is_value, value = line.partition(" = ")
        if not is_value:
            near.append(line)
            far.append(line)
            continue
        indent = place[: len(place) - len(place.lstrip())]
        for fast, library in op.far:
            value = value.replace(fast, library)
        near += [line, f"{indent}far += 1.0 if abs(ws[p + j]) > TRIG_RANGE else 0.0"]
        far += [f"{indent}if abs(ws[p + j]) > TRIG_RANGE:", f"    {place} = {value}"]
    return [*near, "if far > 0.0:", *_indent(far)]


def _times_adjoint(partial: str) -> str:
    if partial in ("1.0", "-1.0"):
        return partial.replace("1.0", "ws[g + j]")
    if partial in _DIVIDED:
        return _DIVIDED[partial]
    return f"ws[g + j] * ({_at_row(partial)})"


# The same by a shorter way: the kernel may know the value already, or have a function that vectorises.
_SHORTER = {"power(a, b)": "fast_pow(a, b)", "power_da(a, b)": "power_da(a, b, v)"}
# Derivatives that divide the adjoint instead of multiplying it with a quotient.
_DIVIDED = {"1.0 / b": "ws[g + j] / ws[q + j]", "-v / b": "-ws[g + j] * ws[d + j] / ws[q + j]",
            "1.0 / a": "ws[g + j] / ws[p + j]"}  # fmt: skip


def _at_row(text: str) -> str:
    text = _SHORTER.get(text, text)
    places = {"a": "ws[p + j]", "b": "ws[q + j]", "v": "ws[d + j]"}
    return re.sub(r"\b([abv])\b", lambda match: places[match[1]], text)


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


_PAIRS_HEAD = '''"""Inner loops of two operators at once. Written by `balmer.kernels.generate`: do not edit."""

# ruff: noqa
# mypy: ignore-errors

from balmer.kernels.jit import bare_jit
from balmer.kernels.quotient import quotient

__all__ = ["apply_pair"]


@bare_jit
def apply_pair(op, ws, d, p, q, r, width):
    """ws[d + j] = second(first(ws[p + j], ws[q + j]), ws[r + j]) for j < width, each rounded as if it stood alone.

    A number is always at q or r, whatever its place in the formula; `op` is 16 times the first operator plus the
    second, as they are numbered in `generate`.
    """
    @BODY@
'''


# The forms of an operator in a pair: x is a column or the result of the first, y a column and c a number. Their order
# is that in which `balmer.kernels.batch` numbers them.
_FORMS = ("x + y", "x - y", "x * y", "x / y", "x + c", "x - c", "x * c", "x / c", "x * x", "c - x", "c / x", "y - x",
          "y / x")  # fmt: skip


def pairs_source() -> str:
    """The text of `pairs.py`."""
    lines: list[str] = []
    for i, first in enumerate(_FORMS[:11]):  # where both are columns, either is x
        for k, second in enumerate(_FORMS):
            if first in ("x * y", "x * c") and second in ("x + y", "x - y", "y - x"):
                continue  # `FUSED`
            lines += [f"{'elif' if lines else 'if'} op == {16 * i + k}:"]
            lines += ["    c = ws[q]"] if "c" in first else []
            lines += ["    c_inverse = ws.dtype.type(1.0) / c"] if first == "x / c" else []
            lines += ["    e = ws[r]"] if "c" in second else []
            lines += ["    e_inverse = ws.dtype.type(1.0) / e"] if second == "x / c" else []
            places = {"x": "ws[p + j]", "y": "ws[q + j]", "c": "c"}
            lines += ["    for j in range(width):", f"        v = {_placed(first, places)}"]
            lines += [f"        ws[d + j] = {_placed(second, {'x': 'v', 'y': 'ws[r + j]', 'c': 'e'})}"]
    return _PAIRS_HEAD.replace("@BODY@", "\n    ".join(lines))


def _placed(form: str, places: dict[str, str]) -> str:
    if form == "x / c":
        return f"quotient({places['x']}, {places['c']}, {places['c']}_inverse)"
    return re.sub("[xyc]", lambda match: places[match[0]], form)


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
    texts = {TARGET: source(), TARGET32: source32(), PAIRS_TARGET: pairs_source()}
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
