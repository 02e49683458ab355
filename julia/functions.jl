# What the operators mean. Julia throws where a function leaves its domain; here, as in NumPy, the value is NaN.

real_sqrt(x) = x >= 0 ? sqrt(x) : nan(x)
real_log(x) = x >= 0 ? log(x) : nan(x)
real_log1p(x) = x >= -1 ? log1p(x) : nan(x)
real_sin(x) = isfinite(x) ? sin(x) : nan(x)
real_cos(x) = isfinite(x) ? cos(x) : nan(x)
real_tan(x) = isfinite(x) ? tan(x) : nan(x)
real_asin(x) = abs(x) <= 1 ? asin(x) : nan(x)
real_acos(x) = abs(x) <= 1 ? acos(x) : nan(x)

square(x) = x * x
cube(x) = x * x * x

function power(a, b)
    a < 0 && isfinite(b) && !isinteger(b) && return nan(a)
    return a^b
end

# The derivatives of a^b with respect to a and to b, v = a^b. At a = 0 the second is 0, the limit from above for b > 0.
power_da(a, b) = b == 0 ? zero(a) : b * power(a, b - 1)
power_db(a, v) = a == 0 ? zero(v) : v * real_log(a)

# log(exp(x) - 1) and log(1 - exp(-x)) without overflow and cancellation (Maechler 2012).
logexpm1(x) = x >= 0 ? x + log(-expm1(-x)) : nan(x)
log1mexp(x) = x >= 0 ? (x < log(oftype(x, 2)) ? log(-expm1(-x)) : log1p(-exp(-x))) : nan(x)

nan(x) = oftype(x, NaN)

"Meaning of each operator by its name in the table."
const MEANING = Dict{String,Function}(
    name => getfield(@__MODULE__, FUNCTION[code + 1]) for (code, (name, _)) in OPERATORS
)
