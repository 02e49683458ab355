# Written by balmer.kernels.generate from the operator table in Python: do not edit.

"Name and number of arguments of each operator by its opcode."
const OPERATORS = Dict{Int,Tuple{String,Int}}(
    3 => ("add", 2),
    4 => ("sub", 2),
    5 => ("mul", 2),
    6 => ("div", 2),
    7 => ("pow", 2),
    8 => ("min", 2),
    9 => ("max", 2),
    10 => ("neg", 1),
    11 => ("abs", 1),
    12 => ("inv", 1),
    13 => ("square", 1),
    14 => ("cube", 1),
    15 => ("sqrt", 1),
    16 => ("cbrt", 1),
    17 => ("exp", 1),
    18 => ("log", 1),
    19 => ("expm1", 1),
    20 => ("log1p", 1),
    21 => ("logexpm1", 1),
    22 => ("log1mexp", 1),
    23 => ("sin", 1),
    24 => ("cos", 1),
    25 => ("tan", 1),
    26 => ("asin", 1),
    27 => ("acos", 1),
    28 => ("atan", 1),
    29 => ("sinh", 1),
    30 => ("cosh", 1),
    31 => ("tanh", 1),
)

# For code that may not look into a Dict: what belongs to an opcode stands at index opcode + 1. The first three, the
# leaves, take no arguments and have no rule.
const NAMES = String[
    "constant", "literal", "variable", "add", "sub", "mul", "div", "pow", "min", "max", "neg", "abs",
    "inv", "square", "cube", "sqrt", "cbrt", "exp", "log", "expm1", "log1p", "logexpm1", "log1mexp", "sin",
    "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"
]
const ARITY = Int8[
    0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1
]

"Name of the Julia function that gives an operator its meaning."
const FUNCTION = Symbol[
    Symbol(""), Symbol(""), Symbol(""), :+, :-, :*, :/, :power, :min, :max, :-, :abs, :inv, :square,
    :cube, :real_sqrt, :cbrt, :exp, :real_log, :expm1, :real_log1p, :logexpm1, :log1mexp, :real_sin,
    :real_cos, :real_tan, :real_asin, :real_acos, :atan, :sinh, :cosh, :tanh
]

# What an operator does to dimensions; POWER is the power of the rule of that name.
const RULE_LEAF = Int8(-1)
const RULE_SAME = Int8(0)
const RULE_PRODUCT = Int8(1)
const RULE_QUOTIENT = Int8(2)
const RULE_POWER = Int8(3)
const RULE_POW = Int8(4)
const RULE_PURE = Int8(5)
const RULE = Int8[
    RULE_LEAF, RULE_LEAF, RULE_LEAF, RULE_SAME, RULE_SAME, RULE_PRODUCT, RULE_QUOTIENT, RULE_POW, RULE_SAME,
    RULE_SAME, RULE_POWER, RULE_POWER, RULE_POWER, RULE_POWER, RULE_POWER, RULE_POWER, RULE_POWER, RULE_PURE,
    RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE,
    RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE, RULE_PURE
]
const POWER = Rational{Int}[
    1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1,
    -1 // 1, 2 // 1, 3 // 1, 1 // 2, 1 // 3, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1,
    1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1, 1 // 1
]

# Value of each operator and its derivatives with respect to the arguments a and b, in which v is the value. The second
# argument of a unary operator is not looked at, and its derivative is zero.
@inline value(::Val, a::Float64, b::Float64) = throw(ArgumentError("the opcode is not in the operator table"))
@inline value(::Val{3}, a::Float64, b::Float64) = +(a, b)
@inline value(::Val{4}, a::Float64, b::Float64) = -(a, b)
@inline value(::Val{5}, a::Float64, b::Float64) = *(a, b)
@inline value(::Val{6}, a::Float64, b::Float64) = /(a, b)
@inline value(::Val{7}, a::Float64, b::Float64) = power(a, b)
@inline value(::Val{8}, a::Float64, b::Float64) = min(a, b)
@inline value(::Val{9}, a::Float64, b::Float64) = max(a, b)
@inline value(::Val{10}, a::Float64, b::Float64) = -(a)
@inline value(::Val{11}, a::Float64, b::Float64) = abs(a)
@inline value(::Val{12}, a::Float64, b::Float64) = inv(a)
@inline value(::Val{13}, a::Float64, b::Float64) = square(a)
@inline value(::Val{14}, a::Float64, b::Float64) = cube(a)
@inline value(::Val{15}, a::Float64, b::Float64) = real_sqrt(a)
@inline value(::Val{16}, a::Float64, b::Float64) = cbrt(a)
@inline value(::Val{17}, a::Float64, b::Float64) = exp(a)
@inline value(::Val{18}, a::Float64, b::Float64) = real_log(a)
@inline value(::Val{19}, a::Float64, b::Float64) = expm1(a)
@inline value(::Val{20}, a::Float64, b::Float64) = real_log1p(a)
@inline value(::Val{21}, a::Float64, b::Float64) = logexpm1(a)
@inline value(::Val{22}, a::Float64, b::Float64) = log1mexp(a)
@inline value(::Val{23}, a::Float64, b::Float64) = real_sin(a)
@inline value(::Val{24}, a::Float64, b::Float64) = real_cos(a)
@inline value(::Val{25}, a::Float64, b::Float64) = real_tan(a)
@inline value(::Val{26}, a::Float64, b::Float64) = real_asin(a)
@inline value(::Val{27}, a::Float64, b::Float64) = real_acos(a)
@inline value(::Val{28}, a::Float64, b::Float64) = atan(a)
@inline value(::Val{29}, a::Float64, b::Float64) = sinh(a)
@inline value(::Val{30}, a::Float64, b::Float64) = cosh(a)
@inline value(::Val{31}, a::Float64, b::Float64) = tanh(a)
@inline partials(::Val{3}, a::Float64, b::Float64, v::Float64) = (1.0, 1.0)
@inline partials(::Val{4}, a::Float64, b::Float64, v::Float64) = (1.0, -1.0)
@inline partials(::Val{5}, a::Float64, b::Float64, v::Float64) = (b, a)
@inline partials(::Val{6}, a::Float64, b::Float64, v::Float64) = (1.0 / b, -v / b)
@inline partials(::Val{7}, a::Float64, b::Float64, v::Float64) = (power_da(a, b), power_db(a, v))
@inline partials(::Val{8}, a::Float64, b::Float64, v::Float64) = (ifelse(a <= b, 1.0, 0.0), ifelse(a <= b, 0.0, 1.0))
@inline partials(::Val{9}, a::Float64, b::Float64, v::Float64) = (ifelse(a >= b, 1.0, 0.0), ifelse(a >= b, 0.0, 1.0))
@inline partials(::Val{10}, a::Float64, b::Float64, v::Float64) = (-1.0, 0.0)
@inline partials(::Val{11}, a::Float64, b::Float64, v::Float64) = (ifelse(a >= 0.0, 1.0, -1.0), 0.0)
@inline partials(::Val{12}, a::Float64, b::Float64, v::Float64) = (-v * v, 0.0)
@inline partials(::Val{13}, a::Float64, b::Float64, v::Float64) = (2.0 * a, 0.0)
@inline partials(::Val{14}, a::Float64, b::Float64, v::Float64) = ((3.0 * a) * a, 0.0)
@inline partials(::Val{15}, a::Float64, b::Float64, v::Float64) = (0.5 / v, 0.0)
@inline partials(::Val{16}, a::Float64, b::Float64, v::Float64) = (1.0 / ((3.0 * v) * v), 0.0)
@inline partials(::Val{17}, a::Float64, b::Float64, v::Float64) = (v, 0.0)
@inline partials(::Val{18}, a::Float64, b::Float64, v::Float64) = (1.0 / a, 0.0)
@inline partials(::Val{19}, a::Float64, b::Float64, v::Float64) = (v + 1.0, 0.0)
@inline partials(::Val{20}, a::Float64, b::Float64, v::Float64) = (1.0 / (1.0 + a), 0.0)
@inline partials(::Val{21}, a::Float64, b::Float64, v::Float64) = (-1.0 / expm1(-a), 0.0)
@inline partials(::Val{22}, a::Float64, b::Float64, v::Float64) = (1.0 / expm1(a), 0.0)
@inline partials(::Val{23}, a::Float64, b::Float64, v::Float64) = (real_cos(a), 0.0)
@inline partials(::Val{24}, a::Float64, b::Float64, v::Float64) = (-real_sin(a), 0.0)
@inline partials(::Val{25}, a::Float64, b::Float64, v::Float64) = (1.0 + (v * v), 0.0)
@inline partials(::Val{26}, a::Float64, b::Float64, v::Float64) = (1.0 / real_sqrt(1.0 - (a * a)), 0.0)
@inline partials(::Val{27}, a::Float64, b::Float64, v::Float64) = (-1.0 / real_sqrt(1.0 - (a * a)), 0.0)
@inline partials(::Val{28}, a::Float64, b::Float64, v::Float64) = (1.0 / (1.0 + (a * a)), 0.0)
@inline partials(::Val{29}, a::Float64, b::Float64, v::Float64) = (cosh(a), 0.0)
@inline partials(::Val{30}, a::Float64, b::Float64, v::Float64) = (sinh(a), 0.0)
@inline partials(::Val{31}, a::Float64, b::Float64, v::Float64) = (1.0 - (v * v), 0.0)
