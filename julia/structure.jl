# Structure probes: which separations, symmetries and compositions a table or a function shows, and which it does not.

"""
    Structure

Tests of structure in a table or a function; see `probe`.
"""
module Structure

export Finding, probe

using LinearAlgebra
using Random
using Statistics

include("surrogate.jl")
include("probes_bound.jl")
include("probes_exact.jl")

"""
    Finding(kind, variables, rest, statistic, threshold, verdict)

What one test saw. `variables` are features, counted from 1; where the kind splits the features, `rest` is the second group.
The structure is found, `verdict`, where `statistic <= threshold`.
"""
struct Finding
    kind::Symbol
    variables::Vector{Int}
    rest::Vector{Int}
    statistic::Float64
    threshold::Float64
    verdict::Bool
end

function Finding(hypothesis::Hypothesis, statistic, threshold)
    (; kind, variables, rest) = hypothesis
    return Finding(kind, variables, rest, statistic, threshold, statistic <= threshold)
end

"Kinds of symmetry of a pair x, y: f depends on x - y, x + y, x / y, x y, sqrt(x^2 + y^2), sqrt(x^2 - y^2) alone."
const SYMMETRIES = (:difference, :sum, :ratio, :product, :radius, :hyperbolic)

"Standard errors by which a bound surrogate may predict worse than the free one and its structure still hold."
const THRESHOLD = 3.0

"Beyond this on a fifth of the rows a structure is refuted; all rows would say the same, only later."
const REFUTED = 8.0

"A violation of the size of this part of the target's spread must be visible, or the surrogate can say nothing."
const VISIBLE = 0.1

"""
    probe(X, y; weights=nothing, seed=0, progress=nothing, stop=nothing, rows=600) -> Vector{Finding}

Test which structure the target has in its features.

`X` has a row per feature and a column per data row, `y` is the target and `weights` are inversely proportional to the
variance of each row's noise. At most `rows` rows are used, drawn by `seed`. `progress(fraction)` is called now and then;
`stop()` returning true ends the probe with the findings so far.

The kinds: `irrelevant` (no dependence on the variable), `additive` g(A) + h(B), `multiplicative` g(A) h(B),
`generalised_additive` F(f) = g(A) + h(B) with monotone F, each for the groups A, B = `variables`, `rest`; `compositional`
f = g(h(variables), others); and `SYMMETRIES` of pairs. They are those of AI Feynman (Udrescu et al., arXiv:2006.10782). A
table of more than six features is split only into groups of which one has at most two.

A Gaussian process that can express nothing but the structure is compared with a free one by how well each predicts rows that
are left out: `statistic` is by how many standard errors it does worse, see `shortfall`. A structure that implies a weaker one
is refuted with it, by its statistic. Where a violation of a tenth of the target's spread would be hidden by the free
surrogate's own error, all statistics exceed the threshold: nothing is found. Violations below about a thousandth of the spread
count as none.

Throws an `ArgumentError` for fewer than 20 rows, numbers that are not finite, or lengths that differ. The result is empty where
there is one feature or a constant target.
"""
function probe(
    X::AbstractMatrix, y::AbstractVector; weights=nothing, seed=0, progress=nothing, stop=nothing, rows=600
)
    return first(probe_data(X, y; weights, seed, progress, stop, rows))
end

"""
    probe(f, lower, upper; seed=0, points=200, progress=nothing, stop=nothing) -> Vector{Finding}

Test which structure a function of one vector has in the box between `lower` and `upper`, to the function's rounding; the
kinds are those of `probe(X, y)`. `statistic` is the largest violation of the structure's equation among the points, relative
to the function's spread or slopes.

Throws an `ArgumentError` if the box is none or the function is not finite in it.
"""
function probe(f, lower::AbstractVector, upper::AbstractVector; seed=0, points=200, progress=nothing, stop=nothing)
    length(lower) == length(upper) || throw(ArgumentError("lower has length $(length(lower)) and upper $(length(upper))"))
    all(lower .< upper) || throw(ArgumentError("every lower bound must be below its upper bound"))
    length(lower) > 1 || return Finding[]
    sample = FunctionSample(f, Vector{Float64}(lower), Vector{Float64}(upper), Xoshiro(seed), points)
    sample.spread > 0 || return Finding[]
    findings = Finding[]
    all_hypotheses = hypotheses(length(lower))
    for (k, hypothesis) in enumerate(all_hypotheses)
        !isnothing(stop) && stop() === true && break
        push!(findings, Finding(hypothesis, deviation(sample, hypothesis)...))
        isnothing(progress) || progress(k / length(all_hypotheses))
    end
    return findings
end

function probe_data(X, y; weights, seed, progress, stop, rows)
    X, y, noise = checked(X, y, weights)
    (size(X, 2) < 2 || allequal(y)) && return Finding[], NaN
    order = randperm(Xoshiro(seed), length(y))
    stage(n, before) = Stage(X[order[1:n], :], y[order[1:n]], noise[order[1:n]], before)
    n_blas = BLAS.get_num_threads()
    BLAS.set_num_threads(1)   # the hypotheses run on threads
    try
        few = stage(min(length(y), max(200, rows ÷ 3)), nothing)
        all_rows = length(few.y) < min(length(y), rows) ? stage(min(length(y), rows), few) : few
        validation = validation_error(all_rows.free)
        # A violation v moves the density by v / (2 error) standard errors per square root of a row.
        blindness = 2THRESHOLD * validation / sqrt(effective_rows(all_rows.free)) / VISIBLE
        statistics = blindness > 1 ?
                     [(h, blindness * THRESHOLD) for h in hypotheses(size(X, 2))] :
                     decide(few, all_rows, extrema(y), progress, stop)
        return [Finding(h, statistic, THRESHOLD) for (h, statistic) in statistics], validation
    finally
        BLAS.set_num_threads(n_blas)
    end
end

"X with a column per feature, y, and the relative variance of each row's noise; rows of no weight are left out."
function checked(X, y, weights)
    size(X, 2) == length(y) || throw(ArgumentError("X has $(size(X, 2)) columns and y has length $(length(y)); they must agree"))
    w = isnothing(weights) ? ones(length(y)) : Vector{Float64}(weights)
    length(w) == length(y) || throw(ArgumentError("there are $(length(w)) weights for $(length(y)) rows"))
    all(v -> isfinite(v) && v >= 0, w) || throw(ArgumentError("a weight is negative or not finite"))
    used = findall(>(0), w)
    columns, target = Matrix{Float64}(permutedims(X[:, used])), Vector{Float64}(y[used])
    all(isfinite, columns) || throw(ArgumentError("a feature has a value that is not finite"))
    all(isfinite, target) || throw(ArgumentError("the target has a value that is not finite"))
    length(used) >= 20 || throw(ArgumentError("a probe needs at least 20 rows; there are $(length(used))"))
    return columns, target, mean(w[used]) ./ w[used]
end

"All hypotheses on `d` features, in the order of the findings."
function hypotheses(d)
    alone = [Hypothesis(:irrelevant, [i], Int[]) for i in 1:d]
    inner = [Hypothesis(:compositional, S, Int[]) for S in groups(d) if length(S) > 1]
    pairs = [Hypothesis(kind, [i, j], Int[]) for i in 1:d for j in (i + 1):d for kind in SYMMETRIES]
    splits = [
        Hypothesis(kind, A, setdiff(1:d, A)) for A in groups(d) if 1 in A for
        kind in (:additive, :multiplicative, :generalised_additive)
    ]
    return [alone; inner; pairs; splits]
end

"Proper subsets of 1:d; of more than six features those of at most two, or all but at most two."
function groups(d)
    few(k) = d <= 6 || k <= 2 || k >= d - 2
    subsets = [[i for i in 1:d if isodd(mask >> (i - 1))] for mask in 1:(2^d - 2) if few(count_ones(mask))]
    return sort(subsets; by=S -> (length(S), S))
end

"""
Pairs of hypothesis and statistic. A symmetry of a pair or a split by a group asks that the pair or group acts through one
function of it, `compositional`, and falls with it; a sum, or a product of one sign, is a generalised sum without a test.
"""
function decide(few, all_rows, range, progress, stop)
    d = size(few.X, 2)
    statistic = Dict{Tuple{Symbol,Vector{Int}},Float64}()
    through(S) = get(statistic, (:compositional, S), -Inf)
    implied(h) =
        if h.kind in SYMMETRIES
            through(h.variables)
        elseif h.kind in (:additive, :multiplicative, :generalised_additive)
            max(through(h.variables), through(h.rest))
        else
            -Inf
        end
    todo = hypotheses(d)
    done = 0
    of_one_sign = first(range) > 0 || last(range) < 0
    for kinds in ((:irrelevant, :compositional), (SYMMETRIES..., :additive, :multiplicative), (:generalised_additive,))
        open_ones = Hypothesis[]
        for h in filter(h -> h.kind in kinds, todo)
            sum = get(statistic, (:additive, h.variables), Inf)
            product = of_one_sign ? get(statistic, (:multiplicative, h.variables), Inf) : Inf
            if implied(h) > THRESHOLD
                statistic[h.kind, h.variables] = implied(h)
            elseif h.kind == :generalised_additive && min(sum, product) <= THRESHOLD
                statistic[h.kind, h.variables] = min(sum, product)
            else
                push!(open_ones, h)
            end
        end
        for batch in Iterators.partition(open_ones, 4 * Threads.nthreads())
            # Callbacks run here, not on the threads: they may be Python's.
            !isnothing(stop) && stop() === true && return answered(todo, statistic)
            values = Vector{Float64}(undef, length(batch))
            Threads.@threads :dynamic for k in eachindex(batch)
                values[k] = judged(few, all_rows, batch[k])
            end
            for (h, value) in zip(batch, values)
                statistic[h.kind, h.variables] = value
            end
            isnothing(progress) || progress(length(statistic) / length(todo))
        end
    end
    isnothing(progress) || progress(1.0)
    return answered(todo, statistic)
end

answered(todo, statistic) = [(h, statistic[h.kind, h.variables]) for h in todo if haskey(statistic, (h.kind, h.variables))]

function judged(few, all_rows, hypothesis)
    memory = Memory()
    value = shortfall(few, hypothesis, memory)
    return value > REFUTED || few === all_rows ? value : shortfall(all_rows, hypothesis, memory)
end

end
