# Structure of a function that can be called: every condition at fresh points, to the rounding of the function itself.

"Conditions on values hold to this part of the function's spread, conditions on difference quotients to the second."
const EXACT_VALUES, EXACT_SLOPES = 1e-8, 1e-5

"""
    FunctionSample(f, lower, upper, rng, points)

Two independent sets of points `P` and `Q` in the box, a column per point, the values at `P` and the function's spread.
"""
struct FunctionSample{F,R}
    f::F
    lower::Vector{Float64}
    upper::Vector{Float64}
    rng::R
    P::Matrix{Float64}
    Q::Matrix{Float64}
    values::Vector{Float64}
    spread::Float64
end

function FunctionSample(f, lower, upper, rng, points)
    # A margin keeps the difference quotients inside the box.
    draw() = lower .+ (upper .- lower) .* (0.01 .+ 0.98 .* rand(rng, length(lower), points))
    P, Q = draw(), draw()
    values = values_at(f, P)
    bad = findfirst(!isfinite, values)
    isnothing(bad) || throw(ArgumentError("the function is $(values[bad]) at $(P[:, bad]); give a box where it is finite"))
    return FunctionSample(f, lower, upper, rng, P, Q, values, std(values))
end

values_at(f, points) = [Float64(f(p)) for p in eachcol(points)]

"How far the structure is from holding, relative to the function's spread or slopes, and the most that rounding explains."
function deviation(sample::FunctionSample, hypothesis::Hypothesis)
    (; kind, variables, rest) = hypothesis
    rounding = 1e3 * eps() * maximum(abs, sample.values) / sample.spread
    values, slopes = EXACT_VALUES + rounding, EXACT_SLOPES + 1e4 * rounding
    kind == :irrelevant && return off_constant(sample, only(variables)), values
    kind == :additive && return off_sum(sample, rest), values
    kind == :multiplicative && return off_product(sample, rest), values * (1 + maximum(abs, sample.values) / sample.spread)
    kind == :compositional && return off_direction(sample, variables), slopes
    kind == :generalised_additive && return off_generalised(sample, variables, rest), slopes
    return off_symmetry(sample, kind, variables...), values
end

"The first points with the `features` of the second."
function exchanged(P, Q, features)
    mixed = copy(P)
    mixed[features, :] .= Q[features, :]
    return mixed
end

function off_constant(sample, i)
    return maximum(abs, values_at(sample.f, exchanged(sample.P, sample.Q, [i])) .- sample.values) / sample.spread
end

"f(a, b) + f(a', b') = f(a, b') + f(a', b)."
function off_sum(sample, B)
    (; f, P, Q) = sample
    sides = sample.values .+ values_at(f, Q) .- values_at(f, exchanged(P, Q, B)) .- values_at(f, exchanged(Q, P, B))
    return maximum(abs, sides) / sample.spread
end

"f(a, b) f(a', b') = f(a, b') f(a', b)."
function off_product(sample, B)
    (; f, P, Q) = sample
    sides = sample.values .* values_at(f, Q) .- values_at(f, exchanged(P, Q, B)) .* values_at(f, exchanged(Q, P, B))
    return maximum(abs, sides) / sample.spread^2
end

"f keeps its value where x moves and y follows so that the invariant stays."
function off_symmetry(sample, kind, i, j)
    follow = Dict(
        :difference => (x, y, x2) -> x2 - x + y,
        :sum => (x, y, x2) -> x + y - x2,
        :ratio => (x, y, x2) -> y * (x2 / x),
        :product => (x, y, x2) -> y * (x / x2),
        :radius => (x, y, x2) -> copysign(sqrt(max(x^2 + y^2 - x2^2, 0.0)), y),
        :hyperbolic => (x, y, x2) -> copysign(sqrt(max(x2^2 - x^2 + y^2, 0.0)), y),
    )[kind]
    moved = copy(sample.P)
    for p in eachcol(moved)
        x, y, x2 = p[i], p[j], sample.lower[i] + rand(sample.rng) * (sample.upper[i] - sample.lower[i])
        y2 = follow(x, y, x2)
        while !(sample.lower[j] < y2 < sample.upper[j] && y2 != 0)   # half as far, until both are in the box
            x2 = (x + x2) / 2
            x2 == x && break
            y2 = follow(x, y, x2)
        end
        p[i], p[j] = x2, x2 == x ? y : y2
    end
    return maximum(abs, values_at(sample.f, moved) .- sample.values) / sample.spread
end

"f = g(h(S), R): the direction of the gradient within S does not depend on R."
function off_direction(sample, S)
    R = setdiff(axes(sample.P, 1), S)
    here, there = gradients(sample, sample.P), gradients(sample, exchanged(sample.P, sample.Q, R))
    size = [sqrt(mean(abs2, here[i, :])) + floatmin() for i in axes(here, 1)]
    turn(i, j) = maximum(abs, here[i, :] .* there[j, :] .- here[j, :] .* there[i, :]) / (size[i] * size[j])
    return maximum(turn(i, j) for i in S for j in S if i < j; init=0.0)
end

"""
F(f) = g(A) + h(B) with monotone F: the directions within A and within B are free of the other group, the ratio of slopes
between them is a function of A times one of B, and no slope in A changes its sign with B.
"""
function off_generalised(sample, A, B)
    (; P, Q) = sample
    corners = [gradients(sample, M) for M in (P, Q, exchanged(P, Q, B), exchanged(Q, P, B))]
    size = [sqrt(mean(abs2, corners[1][i, :])) + floatmin() for i in axes(P, 1)]
    a = argmax(i -> size[i], A)
    b = argmax(i -> size[i], B)
    p, q, u, v = [(c[a, :] ./ size[a], c[b, :] ./ size[b]) for c in corners]
    ratio = maximum(abs, @. p[1] * q[1] * u[2] * v[2] - u[1] * v[1] * p[2] * q[2])
    turned = any(i -> any(corners[1][i, :] .* corners[3][i, :] .< -1e-9 * size[i]^2), A)
    return max(ratio, off_direction(sample, A), off_direction(sample, B), turned ? 1.0 : 0.0)
end

"Central differences of fourth order: a row per feature, a column per point."
function gradients(sample, points)
    (; f, lower, upper) = sample
    result = similar(points)
    for i in axes(points, 1)
        h = 2e-3 * (upper[i] - lower[i])
        shifted(k) = values_at(f, points .+ k * h .* (axes(points, 1) .== i))
        result[i, :] .= (8 .* (shifted(1) .- shifted(-1)) .- (shifted(2) .- shifted(-2))) ./ (12h)
    end
    return result
end
