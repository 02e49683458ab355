"""The same formula with other operators: what an engine without `square` or `logexpm1` can be given.

Each operator has recipes in terms of others; a recipe may need recipes in turn. Of those that end in allowed
operators, the one that keeps the fewest free constants and then the lowest complexity is taken. The values
stay: a recipe that holds only for arguments of one sign is used only where the sign is certain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache

from balmer.expressions.complexity import Complexity
from balmer.expressions.expression import Expression, apply
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS_BY_CODE, operator_name
from balmer.expressions.parser import parse

__all__ = ["express_in"]

# In the grammar of `parse`; pow(a, 2) is pow, where a**2 would be square. Of the operators in _RANKED the
# first recipe is taken even if it is longer: log(exp(a) - 1) overflows,
# and a*sqrt(a) is exacter than exp(3/2*log(a)).
_RECIPES: Mapping[str, tuple[str, ...]] = {
    "add": ("sub(a, neg(b))",),
    "sub": ("add(a, neg(b))",),
    "mul": ("div(a, inv(b))",),
    "div": ("mul(a, inv(b))",),
    "min": ("neg(max(neg(a), neg(b)))",),
    "max": ("neg(min(neg(a), neg(b)))",),
    "neg": ("mul(-1, a)", "sub(0, a)", "div(a, -1)"),
    "abs": ("max(a, neg(a))", "sqrt(square(a))"),
    "inv": ("div(1, a)", "pow(a, -1)"),
    "square": ("mul(a, a)", "pow(a, 2)"),
    "cube": ("mul(square(a), a)", "pow(a, 3)"),
    "sqrt": ("pow(a, 1/2)",),
    "expm1": ("sub(exp(a), 1)",),
    "log1p": ("log(add(1, a))",),
    "logexpm1": (
        "add(a, log1mexp(a))",
        "add(a, log(neg(expm1(neg(a)))))",
        "add(a, log(sub(1, exp(neg(a)))))",
        "log(expm1(a))",
        "log(sub(exp(a), 1))",
    ),
    "log1mexp": ("log(neg(expm1(neg(a))))", "log(sub(1, exp(neg(a))))"),
    "sin": ("cos(sub(a, pi/2))", "cos(add(a, -pi/2))"),
    "cos": ("sin(add(a, pi/2))", "sin(sub(a, -pi/2))"),
    "tan": ("div(sin(a), cos(a))",),
    "acos": ("sub(pi/2, asin(a))",),
    "asin": ("sub(pi/2, acos(a))",),
    "sinh": ("div(sub(exp(a), exp(neg(a))), 2)", "mul(1/2, sub(exp(a), exp(neg(a))))"),
    "cosh": ("div(add(exp(a), exp(neg(a))), 2)", "mul(1/2, add(exp(a), exp(neg(a))))"),
    "tanh": ("sub(1, div(2, add(exp(mul(2, a)), 1)))", "div(sinh(a), cosh(a))"),
}
_RANKED = ("logexpm1", "log1mexp", "tanh", "pow")
_LARGEST_POWER = 12
_NEVER_NEGATIVE = frozenset({"square", "abs", "sqrt", "exp", "cosh", "acos"})


def express_in(expression: Expression, allowed: Collection[str]) -> Expression | None:
    """Rewrite a formula with the allowed operators.

    Parameters
    ----------
    expression : Expression
    allowed : collection of str
        Names or symbols of operators.

    Returns
    -------
    Expression or None
        A formula with the same values, or None if no recipe leads there. ``cbrt`` of what may be negative
        becomes ``a/(a**2)**(1/3)``, which is undefined at 0. An operand with free constants may stand twice,
        if there is no other way.

    Raises
    ------
    ConfigError
        If ``allowed`` names an operator that is not in the table.
    """
    names = frozenset(map(operator_name, allowed))
    if expression.operators <= names:
        return expression

    def node(i: int, below: list[Expression | None]) -> Expression | None:
        operands = [operand for operand in below if operand is not None]
        if len(operands) < len(below):
            return None
        return _best(OPERATORS_BY_CODE[int(expression.ops[i])].name, operands, names, frozenset())

    return expression.fold(expression.subtree, node)


def _best(
    name: str, operands: list[Expression], allowed: frozenset[str], open_: frozenset[str]
) -> Expression | None:
    """The best way to apply an operator; ``open_`` are those whose recipes are being tried."""
    if name in allowed:
        return apply(name, *operands)
    if name in open_:
        return None
    if name == "neg" and len(operands[0]) == 1 and operands[0].ops[0] in (LITERAL, CONSTANT):
        leaf = operands[0]
        return Expression(leaf.ops, leaf.args, -leaf.values)
    found: list[tuple[tuple[int, ...], Expression]] = []
    for rank, recipe in enumerate(_recipes(name, operands)):
        made = _made(recipe, operands, allowed, open_ | {name})
        if made is not None:
            cost = (made.n_constants, rank if name in _RANKED else 0, Complexity().of(made), rank)
            found.append((cost, made))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _made(
    recipe: Expression, operands: list[Expression], allowed: frozenset[str], open_: frozenset[str]
) -> Expression | None:
    def leaf(i: int) -> Expression | None:
        return recipe.subtree(i) if recipe.ops[i] == LITERAL else operands[int(recipe.args[i])]

    def node(i: int, below: list[Expression | None]) -> Expression | None:
        ready = [operand for operand in below if operand is not None]
        if len(ready) < len(below):
            return None
        return _best(OPERATORS_BY_CODE[int(recipe.ops[i])].name, ready, allowed, open_)

    return recipe.fold(leaf, node)


@cache
def _recipe(text: str) -> Expression:
    return parse(text, ("a", "b"))


def _recipes(name: str, operands: list[Expression]) -> Iterator[Expression]:
    for text in _RECIPES.get(name, ()):
        yield _recipe(text)
    if name == "cbrt":
        yield _recipe("pow(a, 1/3)" if _never_negative(operands[0]) else "div(a, pow(square(a), 1/3))")
    if name == "pow":
        yield from _power_recipes(*operands)


def _power_recipes(base: Expression, exponent: Expression) -> Iterator[Expression]:
    """a**b for a number b: by multiplication, roots, or exp(b*log(a)) where a < 0 has no value anyway."""
    fixed = len(exponent) == 1 and exponent.ops[0] == LITERAL
    number = float(exponent.values[0])
    if fixed and abs(number) <= _LARGEST_POWER and (2 * number).is_integer():
        text = _product(abs(number))
        yield _recipe(f"inv({text})" if number < 0 else text)
    if fixed and number == 1 / 3 and _never_negative(base):
        yield _recipe("cbrt(a)")
    is_number = len(exponent) == 1 and exponent.ops[0] in (LITERAL, CONSTANT)
    if (is_number and not number.is_integer()) or _never_negative(base):
        yield _recipe("exp(mul(b, log(a)))")


def _product(power: float) -> str:
    """Text of a**power for a whole or half power."""
    if power == 0:
        return "1"
    whole, half = divmod(power, 1)
    if not half:
        return _whole(int(power))
    return f"mul({_whole(int(whole))}, sqrt(a))" if whole else "sqrt(a)"


def _whole(power: int) -> str:
    if power <= 3:
        return ("", "a", "square(a)", "cube(a)")[power]
    if power % 2:
        return f"mul({_whole(power - 1)}, a)"
    return f"square({_whole(power // 2)})"


def _never_negative(expression: Expression) -> bool:
    """Whether the value is certainly not negative (it may be NaN)."""
    last = int(expression.ops[-1])
    if last == LITERAL:
        return bool(expression.values[-1] >= 0)
    return last in OPERATORS_BY_CODE and OPERATORS_BY_CODE[last].name in _NEVER_NEGATIVE
