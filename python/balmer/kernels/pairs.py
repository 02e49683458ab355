"""Inner loops of two operators at once. Written by `balmer.kernels.generate`: do not edit."""

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
    if op == 0:
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v + ws[r + j]
    elif op == 1:
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v - ws[r + j]
    elif op == 2:
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v * ws[r + j]
    elif op == 3:
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v / ws[r + j]
    elif op == 4:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v + e
    elif op == 5:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v - e
    elif op == 6:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v * e
    elif op == 7:
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 8:
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = v * v
    elif op == 9:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = e - v
    elif op == 10:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = e / v
    elif op == 11:
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = ws[r + j] - v
    elif op == 12:
        for j in range(width):
            v = ws[p + j] + ws[q + j]
            ws[d + j] = ws[r + j] / v
    elif op == 16:
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v + ws[r + j]
    elif op == 17:
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v - ws[r + j]
    elif op == 18:
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v * ws[r + j]
    elif op == 19:
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v / ws[r + j]
    elif op == 20:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v + e
    elif op == 21:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v - e
    elif op == 22:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v * e
    elif op == 23:
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 24:
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = v * v
    elif op == 25:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = e - v
    elif op == 26:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = e / v
    elif op == 27:
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = ws[r + j] - v
    elif op == 28:
        for j in range(width):
            v = ws[p + j] - ws[q + j]
            ws[d + j] = ws[r + j] / v
    elif op == 34:
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = v * ws[r + j]
    elif op == 35:
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = v / ws[r + j]
    elif op == 36:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = v + e
    elif op == 37:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = v - e
    elif op == 38:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = v * e
    elif op == 39:
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 40:
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = v * v
    elif op == 41:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = e - v
    elif op == 42:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = e / v
    elif op == 44:
        for j in range(width):
            v = ws[p + j] * ws[q + j]
            ws[d + j] = ws[r + j] / v
    elif op == 48:
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v + ws[r + j]
    elif op == 49:
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v - ws[r + j]
    elif op == 50:
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v * ws[r + j]
    elif op == 51:
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v / ws[r + j]
    elif op == 52:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v + e
    elif op == 53:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v - e
    elif op == 54:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v * e
    elif op == 55:
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 56:
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = v * v
    elif op == 57:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = e - v
    elif op == 58:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = e / v
    elif op == 59:
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = ws[r + j] - v
    elif op == 60:
        for j in range(width):
            v = ws[p + j] / ws[q + j]
            ws[d + j] = ws[r + j] / v
    elif op == 64:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v + ws[r + j]
    elif op == 65:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v - ws[r + j]
    elif op == 66:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v * ws[r + j]
    elif op == 67:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v / ws[r + j]
    elif op == 68:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v + e
    elif op == 69:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v - e
    elif op == 70:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v * e
    elif op == 71:
        c = ws[q]
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 72:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = v * v
    elif op == 73:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = e - v
    elif op == 74:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = e / v
    elif op == 75:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = ws[r + j] - v
    elif op == 76:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] + c
            ws[d + j] = ws[r + j] / v
    elif op == 80:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v + ws[r + j]
    elif op == 81:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v - ws[r + j]
    elif op == 82:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v * ws[r + j]
    elif op == 83:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v / ws[r + j]
    elif op == 84:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v + e
    elif op == 85:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v - e
    elif op == 86:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v * e
    elif op == 87:
        c = ws[q]
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 88:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = v * v
    elif op == 89:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = e - v
    elif op == 90:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = e / v
    elif op == 91:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = ws[r + j] - v
    elif op == 92:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] - c
            ws[d + j] = ws[r + j] / v
    elif op == 98:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = v * ws[r + j]
    elif op == 99:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = v / ws[r + j]
    elif op == 100:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = v + e
    elif op == 101:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = v - e
    elif op == 102:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = v * e
    elif op == 103:
        c = ws[q]
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 104:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = v * v
    elif op == 105:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = e - v
    elif op == 106:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = e / v
    elif op == 108:
        c = ws[q]
        for j in range(width):
            v = ws[p + j] * c
            ws[d + j] = ws[r + j] / v
    elif op == 112:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v + ws[r + j]
    elif op == 113:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v - ws[r + j]
    elif op == 114:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v * ws[r + j]
    elif op == 115:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v / ws[r + j]
    elif op == 116:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        e = ws[r]
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v + e
    elif op == 117:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        e = ws[r]
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v - e
    elif op == 118:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        e = ws[r]
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v * e
    elif op == 119:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 120:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = v * v
    elif op == 121:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        e = ws[r]
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = e - v
    elif op == 122:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        e = ws[r]
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = e / v
    elif op == 123:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = ws[r + j] - v
    elif op == 124:
        c = ws[q]
        c_inverse = ws.dtype.type(1.0) / c
        for j in range(width):
            v = quotient(ws[p + j], c, c_inverse)
            ws[d + j] = ws[r + j] / v
    elif op == 128:
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v + ws[r + j]
    elif op == 129:
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v - ws[r + j]
    elif op == 130:
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v * ws[r + j]
    elif op == 131:
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v / ws[r + j]
    elif op == 132:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v + e
    elif op == 133:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v - e
    elif op == 134:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v * e
    elif op == 135:
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 136:
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = v * v
    elif op == 137:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = e - v
    elif op == 138:
        e = ws[r]
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = e / v
    elif op == 139:
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = ws[r + j] - v
    elif op == 140:
        for j in range(width):
            v = ws[p + j] * ws[p + j]
            ws[d + j] = ws[r + j] / v
    elif op == 144:
        c = ws[q]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v + ws[r + j]
    elif op == 145:
        c = ws[q]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v - ws[r + j]
    elif op == 146:
        c = ws[q]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v * ws[r + j]
    elif op == 147:
        c = ws[q]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v / ws[r + j]
    elif op == 148:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v + e
    elif op == 149:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v - e
    elif op == 150:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v * e
    elif op == 151:
        c = ws[q]
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 152:
        c = ws[q]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = v * v
    elif op == 153:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = e - v
    elif op == 154:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = e / v
    elif op == 155:
        c = ws[q]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = ws[r + j] - v
    elif op == 156:
        c = ws[q]
        for j in range(width):
            v = c - ws[p + j]
            ws[d + j] = ws[r + j] / v
    elif op == 160:
        c = ws[q]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v + ws[r + j]
    elif op == 161:
        c = ws[q]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v - ws[r + j]
    elif op == 162:
        c = ws[q]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v * ws[r + j]
    elif op == 163:
        c = ws[q]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v / ws[r + j]
    elif op == 164:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v + e
    elif op == 165:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v - e
    elif op == 166:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v * e
    elif op == 167:
        c = ws[q]
        e = ws[r]
        e_inverse = ws.dtype.type(1.0) / e
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = quotient(v, e, e_inverse)
    elif op == 168:
        c = ws[q]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = v * v
    elif op == 169:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = e - v
    elif op == 170:
        c = ws[q]
        e = ws[r]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = e / v
    elif op == 171:
        c = ws[q]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = ws[r + j] - v
    elif op == 172:
        c = ws[q]
        for j in range(width):
            v = c / ws[p + j]
            ws[d + j] = ws[r + j] / v
