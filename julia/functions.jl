# What the operators mean. Julia throws where a function leaves its domain; here, as in NumPy, the value is NaN.

within(f, inside) = x -> inside(x) ? f(x) : oftype(x, NaN)

function power(a, b)
    a < 0 && isfinite(b) && !isinteger(b) && return oftype(a, NaN)
    return a^b
end

# log(exp(x) - 1) and log(1 - exp(-x)) without overflow and cancellation (Maechler 2012).
logexpm1(x) = x + log(-expm1(-x))
log1mexp(x) = x < log(oftype(x, 2)) ? log(-expm1(-x)) : log1p(-exp(-x))

"Meaning of each operator by its name in the table."
const MEANING = Dict{String,Function}(
    "add" => +,
    "sub" => -,
    "mul" => *,
    "div" => /,
    "pow" => power,
    "min" => min,
    "max" => max,
    "neg" => -,
    "abs" => abs,
    "inv" => x -> 1 / x,
    "square" => x -> x * x,
    "cube" => x -> x * x * x,
    "sqrt" => within(sqrt, >=(0)),
    "cbrt" => cbrt,
    "exp" => exp,
    "log" => within(log, >=(0)),
    "expm1" => expm1,
    "log1p" => within(log1p, >=(-1)),
    "logexpm1" => within(logexpm1, >=(0)),
    "log1mexp" => within(log1mexp, >=(0)),
    "sin" => within(sin, isfinite),
    "cos" => within(cos, isfinite),
    "tan" => within(tan, isfinite),
    "asin" => within(asin, x -> abs(x) <= 1),
    "acos" => within(acos, x -> abs(x) <= 1),
    "atan" => atan,
    "sinh" => sinh,
    "cosh" => cosh,
    "tanh" => tanh,
)
