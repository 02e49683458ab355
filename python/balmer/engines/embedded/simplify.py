"""Algebraic simplification of a candidate: numbers folded, brought to the front and merged. Compiled.

Every rule is an identity wherever the original has a value; none narrows the domain by more than points, nor widens it
but where a function is undone that has no value everywhere, as in sqrt(x)**2. What is left of x - sqrt(x)**2 in a
computer is rounding, of which an evolution makes laws.
"""

from __future__ import annotations

import math

import numpy as np

from balmer.engines.embedded.trees import cut
from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import CODE_COLUMNS, OP, D, P, Q, call_forward
from balmer.kernels.jit import bare_jit, jit

__all__ = ["simplify", "strip"]

_ADD, _SUB, _MUL, _DIV, _POW = (OPERATORS[name].code for name in ("add", "sub", "mul", "div", "pow"))
_NEG, _INV, _EXP, _LOG, _ABS = (OPERATORS[name].code for name in ("neg", "inv", "exp", "log", "abs"))
_LOGEXPM1 = OPERATORS["logexpm1"].code
_SQUARE, _SQRT, _CUBE, _CBRT = (OPERATORS[name].code for name in ("square", "sqrt", "cube", "cbrt"))
_U0, _U1, _U2 = np.uint64(0), np.uint64(1), np.uint64(2)


@bare_jit
def simplify(f, out, rules, starts):
    """Write the simplified f to out; False if a number in it overflows or leaves its domain.

    `starts` is int64 scratch of length L.
    """
    out.n[0] = 0
    top = 0
    for i in range(f.n[0]):
        op = f.ops[i]
        if rules.arity[op] == 0:
            starts[top] = out.n[0]
            top += 1
            _append(out, op, f.args[i], f.values[i])
        elif rules.arity[op] == 1:
            if not _unary(out, op, starts[top - 1], rules):
                return False
        else:
            top -= 1
            if not _binary(out, op, starts[top - 1], starts[top], rules):
                return False
    return True


@bare_jit
def strip(f, rules):
    """What is left of f = a + b h when the numbers a and b are taken away at the root; 1/h where f is b/h."""
    while f.n[0] > 1:
        n = f.n[0]
        op = f.ops[n - 1]
        sums, products = op == _ADD or op == _SUB, op == _MUL or op == _DIV
        if op == _NEG and rules.scaled:
            f.n[0] = n - 1
        elif not ((sums and rules.shifted) or (products and rules.scaled)):
            return
        elif f.ops[n - 2] <= 1:
            f.n[0] = n - 2
        elif f.ops[0] <= 1 and _number_first(f, 0, n, rules):
            if op == _DIV:
                f.ops[0], f.values[0] = 1, 1.0
                return
            cut(f, 1, n - 1)
        else:
            return


@bare_jit
def _append(out, op, arg, value):
    n = out.n[0]
    out.ops[n], out.args[n], out.values[n] = op, arg, value
    out.n[0] = n + 1


@bare_jit
def _unary(out, op, p, rules):
    end = out.n[0]
    if end - p == 1 and out.ops[p] <= 1:
        return _fold(out, op, p, p, rules)
    inner = out.ops[end - 1]
    if (op == _NEG and inner == _NEG) or (op == _INV and inner == _INV) or (op == _LOG and inner == _EXP):
        out.n[0] = end - 1
        return True
    if (
        (op == _SQUARE and inner == _SQRT) or (op == _EXP and inner == _LOG)
        or (op == _CUBE and inner == _CBRT) or (op == _CBRT and inner == _CUBE)
    ):  # fmt: skip
        out.n[0] = end - 1
        return True
    if op == _ABS and inner == _ABS:
        return True
    if op == _NEG and inner == _MUL and out.ops[p] <= 1 and _number_first(out, p, end, rules):
        out.values[p] = -out.values[p]
        return True
    if op == _LOG and inner == _ADD and end - p > 3 and out.ops[end - 2] == _EXP and rules.allowed[_LOGEXPM1]:
        # log(-1 + exp(x)) overflows where x is large
        if out.ops[p] == 1 and out.values[p] == -1.0 and _number_first(out, p, end, rules):
            out.n[0] = end - 2
            _delete(out, p, p + 1)
            _append(out, _LOGEXPM1, 0, 0.0)
            return True
    if op == _NEG and inner == _SUB and rules.arity[inner] == 2:
        _swap(out, p, _right_start(out, end - 1, rules), end - 1)
        return True
    _append(out, op, 0, 0.0)
    return True


@bare_jit
def _binary(out, op, p, q, rules):
    end = out.n[0]
    if q - p == 1 and end - q == 1 and out.ops[p] <= 1 and out.ops[q] <= 1:
        return _fold(out, op, p, q, rules)
    if end - q == 1 and out.ops[q] <= 1:
        if op == _SUB and rules.allowed[_ADD]:
            out.values[q] = -out.values[q]
            op = _ADD
        elif op == _DIV and out.ops[q] == 0 and rules.allowed[_MUL]:
            out.values[q] = 1.0 / out.values[q]
            op = _MUL
        if rules.commutative[op]:
            _swap(out, p, q, end)
            q = p + 1
    inner = out.ops[end - 1]
    if op == _SUB and rules.allowed[_ADD] and (inner == _MUL or inner == _DIV):
        # x - c y  =  x + (-c) y, in which the free c is any number; one spelling of the two is enough
        if out.ops[q] == 0 and _number_first(out, q, end, rules):
            out.values[q] = -out.values[q]
            op = _ADD
    if (op == _SUB or op == _DIV) and _same(out, p, q, end):
        out.n[0] = p
        _append(out, 1, 0, 0.0 if op == _SUB else 1.0)
        return True
    if _ADD <= op <= _DIV:
        additive = op == _ADD or op == _SUB
        plus, minus = (_ADD, _SUB) if additive else (_MUL, _DIV)
        before = 0
        while out.n[0] != before:  # what is left may have another pair
            before = out.n[0]
            q = _cancel(out, op, p, q, plus, minus, rules)
            if q == p:
                return True
        end = out.n[0]
    if _identity(out, op, p, q, end):
        return True
    if op == _ADD or op == _SUB:
        return _merge(out, op, p, q, _ADD, _SUB, rules)
    if op == _MUL or op == _DIV:
        return _merge(out, op, p, q, _MUL, _DIV, rules)
    _append(out, op, 0, 0.0)
    return True


@jit
def _fold(out, op, p, q, rules):
    """An operator on numbers alone becomes a number; exact ones only where the result is exact too."""
    code = np.zeros((1, CODE_COLUMNS), np.uint64)
    code[0, OP], code[0, D], code[0, P], code[0, Q] = np.uint64(op), _U2, _U0, _U1
    ws = np.array([out.values[p], out.values[q], 0.0])
    call_forward(rules.entry.forward, code.ctypes.data, 1, ws.ctypes.data, _U0, _U1)
    value = ws[2]
    if not math.isfinite(value):
        return False
    free = out.ops[p] == 0 or out.ops[q] == 0
    exact = abs(value) <= 1000.0 and 12.0 * value == math.floor(12.0 * value)
    if not free and not exact:
        _append(out, op, 0, 0.0)
        return True
    out.n[0] = p
    _append(out, 0 if free else 1, 0, value)
    return True


@bare_jit
def _identity(out, op, p, q, end):
    """Exact 0 and 1 as operands."""
    if q - p == 1 and out.ops[p] == 1:
        number = out.values[p]
        if (number == 0.0 and op == _ADD) or (number == 1.0 and op == _MUL):
            _delete(out, p, q)
            return True
        if number == 0.0 and (op == _MUL or op == _DIV):
            out.n[0] = q
            return True
    if end - q == 1 and out.ops[q] == 1 and out.values[q] == 1.0 and (op == _DIV or op == _POW):
        out.n[0] = q
        return True
    return False


@bare_jit
def _merge(out, op, p, q, plus, minus, rules):
    """Sums (plus = add, minus = sub) and products (mul, div): numbers go to the front and are merged into one."""
    if not rules.allowed[plus] or not rules.allowed[minus]:
        _append(out, op, 0, 0.0)
        return True
    additive = plus == _ADD
    end = out.n[0]
    if q - p == 1 and out.ops[p] <= 1:
        # number o (number o x)
        inner = out.ops[end - 1]
        if (inner == plus or inner == minus) and out.ops[q] <= 1 and _number_first(out, q, end, rules):
            a, b = out.values[p], out.values[q]
            if op == plus:
                merged = a + b if additive else a * b
                new = inner
            else:
                merged = a - b if additive else a / b
                new = minus if inner == plus else plus
            free = out.ops[p] == 0 or out.ops[q] == 0
            if not math.isfinite(merged):
                return False
            if free or merged == math.floor(merged):
                out.ops[p] = 0 if free else 1
                out.values[p] = merged
                _delete(out, q, q + 1)
                out.ops[end - 2] = new
                return True
        _append(out, op, 0, 0.0)
        return True
    if out.ops[q - 1] == plus and out.ops[p] <= 1 and _number_first(out, p, q, rules):
        # (number + x) o y  =  number + (x o y)
        _delete(out, q - 1, q)
        _append(out, op, 0, 0.0)
        _append(out, plus, 0, 0.0)
        return True
    inner = out.ops[end - 1]
    if (
        (inner == plus or (inner == minus and op == plus))
        and out.ops[q] <= 1
        and (op == plus or out.ops[q] == 0)
        and _number_first(out, q, end, rules)
    ):
        # x o (number o' y)  =  number' + (x o'' y)
        free, value = out.ops[q], out.values[q]
        if op == minus:
            value = -value if additive else 1.0 / value
            if not math.isfinite(value):
                return False
        for i in range(q, p, -1):
            out.ops[i], out.args[i], out.values[i] = out.ops[i - 1], out.args[i - 1], out.values[i - 1]
        out.ops[p], out.args[p], out.values[p] = free, 0, value
        out.ops[end - 1] = op if inner == plus else minus
        _append(out, plus, 0, 0.0)
        return True
    _append(out, op, 0, 0.0)
    return True


@bare_jit
def _cancel(out, op, p, q, plus, minus, rules):
    """Take a part of x that y undoes out of both, as b in (a b) o (c / b); returns where y begins then.

    That is p where x o y is what stands there already. Parts are the operands of the sums, or products, to the left.
    """
    end = out.n[0]
    x, y = out.ops[q - 1], out.ops[end - 1]
    if op == plus and x != plus and x != minus and y != plus and y != minus:
        return q  # two parts, of which neither undoes anything
    root, parent = end - 1, -1
    sign = 1 if op == plus else -1
    while True:
        last = out.ops[root] != plus and out.ops[root] != minus
        start = q if last else _right_start(out, root, rules)
        stop = root + 1 if last else root
        own = -sign if not last and out.ops[root] == minus else sign
        x_root, x_parent = q - 1, -1
        while True:
            x_last = out.ops[x_root] != plus and out.ops[x_root] != minus
            x_start = p if x_last else _right_start(out, x_root, rules)
            x_stop = x_root + 1 if x_last else x_root
            x_sign = -1 if not x_last and out.ops[x_root] == minus else 1
            if own * x_sign < 0 and _equal(out, x_start, x_stop, start, stop):
                # Of 0 - x nothing is left that would be shorter, where 1/x is.
                zero = (last and parent >= 0 and out.ops[parent] == minus) or (
                    x_last and (op if x_parent < 0 else out.ops[x_parent]) == minus
                )
                if not (zero and plus == _ADD):
                    return _take_out(
                        out, op, p, q, start, stop, parent if last else root, last,
                        x_start, x_stop, x_parent if x_last else x_root, x_last, minus
                    )  # fmt: skip
            if x_last:
                break
            x_root, x_parent = x_start - 1, x_root
        if last:
            return q
        root, parent = start - 1, root


@bare_jit
def _take_out(out, op, p, q, start, stop, parent, last, x_start, x_stop, x_parent, x_last, minus):
    """Remove both parts, given with the operators that join them to the rest, the one of y first."""
    whole, x_whole = last and parent < 0, x_last and x_parent < 0
    if whole:
        out.n[0] = q
    else:
        _remove(out, start, stop, parent, last, minus)
    size = out.n[0]
    if not x_whole:
        _remove(out, x_start, x_stop, x_parent, x_last, minus)
    elif op == minus:  # 1/y
        _delete(out, p + 1, q)
        out.ops[p], out.args[p], out.values[p] = 1, 0, 1.0
    else:
        _delete(out, p, q)
        return p
    return p if whole else q - (size - out.n[0])


@bare_jit
def _remove(out, start, stop, parent, first, minus):
    """Remove start ... stop-1, an operand of `parent`, which is its `first` or its second."""
    if first and out.ops[parent] == minus:  # 1/x
        _delete(out, start + 1, stop)
        out.ops[start], out.args[start], out.values[start] = 1, 0, 1.0
    elif first:
        _delete(out, parent, parent + 1)
        _delete(out, start, stop)
    else:
        _delete(out, start, parent + 1)


@bare_jit
def _delete(out, start, end):
    """Take nodes start ... end-1 away."""
    for i in range(end, out.n[0]):
        j = i - end + start
        out.ops[j], out.args[j], out.values[j] = out.ops[i], out.args[i], out.values[i]
    out.n[0] -= end - start


@bare_jit
def _number_first(out, p, end, rules):
    """Whether the operator at end-1 is binary and the number at p, where its subtree begins, its left operand."""
    return rules.arity[out.ops[end - 1]] == 2 and _right_start(out, end - 1, rules) == p + 1


@bare_jit
def _right_start(out, root, rules):
    missing = 1
    i = root - 1
    while True:
        missing += rules.arity[out.ops[i]] - 1
        if missing == 0:
            return i
        i -= 1


@bare_jit
def _same(out, p, q, end):
    return _equal(out, p, q, q, end)


@bare_jit
def _equal(out, p, p_end, q, q_end):
    """Whether two subtrees are the same, whatever the data and the constants."""
    if p_end - p != q_end - q:
        return False
    for i in range(p_end - p):
        a, b = p + i, q + i
        # Two free constants are two unknowns even where their values agree.
        if out.ops[a] != out.ops[b] or out.ops[a] == 0 or out.args[a] != out.args[b]:
            return False
        if out.values[a] != out.values[b]:
            return False
    return True


@bare_jit
def _swap(out, p, q, end):
    """Exchange the neighbours p ... q-1 and q ... end-1."""
    _reverse(out, p, q)
    _reverse(out, q, end)
    _reverse(out, p, end)


@bare_jit
def _reverse(out, p, end):
    i, j = p, end - 1
    while i < j:
        out.ops[i], out.ops[j] = out.ops[j], out.ops[i]
        out.args[i], out.args[j] = out.args[j], out.args[i]
        out.values[i], out.values[j] = out.values[j], out.values[i]
        i += 1
        j -= 1
