# What a structure costs on data: a surrogate bound to it against a free one, compared on the rows each leaves out.

"A structure to test: its kind, the features (or first group of features) and, where it splits them, the second group."
struct Hypothesis
    kind::Symbol
    variables::Vector{Int}
    rest::Vector{Int}
end

"Least standard error of a difference of log predictive densities, in nats: fitted parameters move it by as much."
const NATS = 4.0

"Fitted parameters by step of a test, so that a second test on more rows begins where the first one ended."
const Memory = Dict{Int,Vector{Float64}}

"""
    Stage(X, y, noise, before)

Rows in random order with the free surrogate on them. `X` has a column per feature; `noise` is each row's relative variance;
`before` is nothing or a stage with fewer rows to start from.
"""
struct Stage
    X::Matrix{Float64}
    Z::Matrix{Float64}       # features, standardised
    y::Vector{Float64}       # target, standardised
    mean::Float64            # of the target, in units of its spread
    noise::Vector{Float64}
    free::Surrogate
end

function Stage(X::Matrix{Float64}, y::Vector{Float64}, noise::Vector{Float64}, before::Union{Stage,Nothing}=nothing)
    Z = reduce(hcat, standard.(eachcol(X)))
    spread = std(y; corrected=false)
    target = (y .- mean(y)) ./ spread
    terms = [KernelTerm(Z)]
    # Little noise and much: the likelihood may have a maximum at either.
    starts = isnothing(before) ? [[0.0; ones(size(X, 2)); log(s)] for s in (1e-3, 0.1)] : [before.free.theta]
    fits = [Surrogate(terms, target, noise; start, iterations=40) for start in starts]
    return Stage(X, Z, target, mean(y) / spread, noise, argmin(s -> s.objective, fits))
end

function standard(v)
    spread = std(v; corrected=false)
    return spread > 0 ? (v .- mean(v)) ./ spread : zero(v)
end

"""
    shortfall(stage, hypothesis, memory) -> Float64

By how many standard errors a surrogate bound to the structure predicts left-out rows worse than the free one. It is below about
two where the structure holds: a bound surrogate then has less to learn.
"""
function shortfall(stage::Stage, hypothesis::Hypothesis, memory::Memory)
    (; kind, variables, rest) = hypothesis
    fits = if kind == :irrelevant
        without(stage, only(variables), memory)
    elseif kind == :additive
        additive(stage, variables, rest, memory)
    elseif kind == :multiplicative
        multiplicative(stage, variables, rest, memory)
    elseif kind == :generalised_additive
        generalised(stage, variables, rest, memory)
    elseif kind == :compositional
        compositional(stage, variables, memory)
    else
        symmetric(stage, kind, variables..., memory)
    end
    return minimum(s -> shortfall(stage, s), fits)
end

"Difference of the log predictive densities of left-out rows over its standard error (Vehtari, Gelman and Gabry 2017, eq. 24)."
function shortfall(stage::Stage, bound::Surrogate)
    loss = stage.free.density .- bound.density
    return sum(loss) / sqrt(length(loss) * var(loss) + NATS^2)
end

# Structures that are linear in their parts, or a change of inputs

function without(stage, i, memory)
    others = setdiff(axes(stage.Z, 2), i)
    return [bound_surrogate(stage, memory, 0, [KernelTerm(stage.Z[:, others])], [amplitude(stage); scales(stage, others)])]
end

function additive(stage, A, B, memory)
    terms = [KernelTerm(stage.Z[:, A]), KernelTerm(stage.Z[:, B])]
    start = [amplitude(stage); scales(stage, A); amplitude(stage); scales(stage, B)]
    return [bound_surrogate(stage, memory, 0, terms, start)]
end

function symmetric(stage, kind, i, j, memory)
    others = setdiff(axes(stage.Z, 2), [i, j])
    nearest = minimum(scales(stage, [i, j]))
    return map(enumerate(coordinates(kind, stage.X[:, i], stage.X[:, j]))) do (step, U)
        start = [amplitude(stage); fill(nearest, size(U, 2)); scales(stage, others)]
        bound_surrogate(stage, memory, step, [KernelTerm([U stage.Z[:, others]])], start)
    end
end

"""
Inputs, each a matrix with a row per data row, of which a function with this symmetry of x and y is a smooth function: the
invariant, and a form of it that spreads its values more evenly.
"""
function coordinates(kind, x, y)
    of_one_sign(u) = all(>(0), u) || all(<(0), u)
    column(u) = reshape(standard(u), :, 1)
    if kind == :difference || kind == :sum
        return [column(kind == :sum ? x .+ y : x .- y)]
    elseif kind == :product
        u = x .* y
        return of_one_sign(u) ? [column(u), column(log.(abs.(u)))] : [column(u)]
    elseif kind == :ratio
        of_one_sign(x) && of_one_sign(y) && return [column(x ./ y), column(log.(x ./ y .* sign(x[1] * y[1])))]
        # Where y passes through zero x/y is still a point of the projective line, that is of a circle.
        p, q = x ./ sqrt(mean(abs2, x)), y ./ sqrt(mean(abs2, y))
        r = p .^ 2 .+ q .^ 2 .+ floatmin()
        return [[column((p .^ 2 .- q .^ 2) ./ r) column(p .* q ./ r)]]
    end
    u = kind == :radius ? x .^ 2 .+ y .^ 2 : x .^ 2 .- y .^ 2
    return of_one_sign(u) ? [column(u), column(sqrt.(abs.(u)))] : [column(u)]
end

# Structures that are not linear in their parts: linearised about a first guess, which the free surrogate gives, they are sums of
# terms with factors, and what the terms then find corrects the guess (Gauss and Newton's method among functions).

"f = g(A) h(B), linearised about g0 h0: f + g0 h0 = h0 g + g0 h."
function multiplicative(stage, A, B, memory)
    target = stage.y .+ stage.mean
    references = 1:min(30, length(target))
    g = leading(slices(stage, A, B, references) .+ stage.mean)
    h = leading(slices(stage, B, A, references) .+ stage.mean)
    g .*= dot(g .* h, target) / dot(g .* h, g .* h)
    balance = sqrt(norm(g) / norm(h))
    g, h = g ./ balance, h .* balance
    fits = Surrogate[]
    for step in 1:3
        terms = [KernelTerm(stage.Z[:, A], h), KernelTerm(stage.Z[:, B], g)]
        start = step > 1 ? last(fits).theta[1:(end - 1)] :
                [amplitude(stage); scales(stage, A); amplitude(stage); scales(stage, B)]
        push!(fits, bound_surrogate(stage, memory, step, terms, start; target=target .+ g .* h, constant=0.0))
        settled(stage, fits) && break
        g, h = part(last(fits), 1), part(last(fits), 2)
    end
    return fits
end

"f = g(h(S), R): h is first a slice of f at fixed R, or `aligned`, then corrected by dg/dh times a function of S."
function compositional(stage, S, memory)
    R = setdiff(axes(stage.Z, 2), S)
    start = [amplitude(stage); 0.0; scales(stage, R)]
    guesses = hcat(slices(stage, S, R, 1:6), aligned(stage, S))
    candidates = [KernelTerm([standard(u) stage.Z[:, R]]) for u in eachcol(guesses)]
    guess = argmin(term -> bound_surrogate(stage, Memory(), 0, [term], start; iterations=0).objective, candidates)
    fits = [bound_surrogate(stage, memory, 0, [guess], start)]
    h = guess.Z[:, 1]
    for step in 1:3
        settled(stage, fits) && break
        tilt = slope(last(fits), 1, 1)
        size = sqrt(mean(abs2, tilt)) + floatmin()
        terms = [KernelTerm([h stage.Z[:, R]]), KernelTerm(stage.Z[:, S], tilt ./ size)]
        outer = last(fits).theta[1:(2 + length(R))]
        push!(fits, bound_surrogate(stage, memory, step, terms, [outer; log(0.03); scales(stage, S)]))
        h = standard(h .+ part(last(fits), 2) ./ size)
    end
    return fits
end

"""
F(f) = g(A) + h(B) with monotone F, that is f = G(s) and s = g(A) + h(B).

F is the transformation of f that correlates best with a sum of transformations of slices of f along A and along B (Breiman and
Friedman 1985); g and h follow from F(f), whose noise is that of f times F'.
"""
function generalised(stage, A, B, memory)
    f = stage.free.fitted
    along = hcat(slices(stage, A, B, 1:2), slices(stage, B, A, 3:4))
    bent = splines(f)
    F = standard(bent * svd(bent' * orthonormal(reduce(hcat, splines.(eachcol(along))))).U[:, 1])
    steepness = local_slope(f, F) .^ 2
    steepness = max.(steepness, 1e-3 * median(steepness))
    terms = [KernelTerm(stage.Z[:, A]), KernelTerm(stage.Z[:, B])]
    sums = bound_surrogate(stage, memory, -1, terms, [0.0; scales(stage, A); 0.0; scales(stage, B)];
                target=F, noise=steepness .* stage.noise)
    s = standard(part(sums, 1) .+ part(sums, 2))
    fits = [bound_surrogate(stage, memory, 0, [KernelTerm(s)], [0.0, 0.0])]
    for step in 1:2
        settled(stage, fits) && break
        tilt = slope(last(fits), 1, 1)
        size = sqrt(mean(abs2, tilt)) + floatmin()
        terms = [KernelTerm(s), KernelTerm(stage.Z[:, A], tilt ./ size), KernelTerm(stage.Z[:, B], tilt ./ size)]
        start = [last(fits).theta[1:2]; log(0.03); scales(stage, A); log(0.03); scales(stage, B)]
        push!(fits, bound_surrogate(stage, memory, step, terms, start))
        s = standard(s .+ (part(last(fits), 2) .+ part(last(fits), 3)) ./ size)
    end
    return fits
end

# Their parts

amplitude(stage) = stage.free.theta[1]
scales(stage, features) = stage.free.theta[1 .+ features]

"A surrogate of these terms; its noise starts at the free one's, lest it explain by noise what the structure cannot."
function bound_surrogate(stage, memory, step, terms, start; target=stage.y, noise=stage.noise, constant=1.0, iterations=30)
    known = get(memory, step, nothing)
    start = isnothing(known) ? [start; max(stage.free.theta[end], -7.0)] : known
    surrogate = Surrogate(terms, target, noise; constant, start, iterations=isnothing(known) ? iterations : min(10, iterations))
    memory[step] = surrogate.theta
    return surrogate
end

"Whether the last corrections show that further ones will not change the verdict."
function settled(stage, fits)
    now = shortfall(stage, fits[end])
    return now < 0 || length(fits) > 1 && now > max(10, 0.9 * shortfall(stage, fits[end - 1]))
end

"The free surrogate at each row's `A` with the `B` of each reference row: a column per reference."
function slices(stage, A, B, references)
    (; weights, theta, constant) = stage.free
    loads = weights .* likeness(stage, B, references)
    return exp(2theta[1]) .* (likeness(stage, A, axes(stage.Z, 1)) * loads) .+ constant * sum(weights)
end

"The features' factor of the free surrogate's covariance between all rows and some."
function likeness(stage, features, some)
    Z = stage.Z[:, features] ./ exp.(scales(stage, features)')
    there = view(Z, some, :)
    norms(M) = vec(sum(abs2, M; dims=2))
    return exp.(min.(Z * there' .- norms(Z) ./ 2 .- norms(there)' ./ 2, 0))
end

"""
A cubic in the features S whose gradient lies along that of f within S, of a slope as even as that allows. Slices of f fold
where f is not monotone in h(S), this does not.
"""
function aligned(stage, S)
    G = reduce(hcat, [slope(stage.free, 1, k) for k in S])
    G .*= sign.(G * eigen(Symmetric(G' * G)).vectors[:, end])
    Z = stage.Z[:, S]
    powers = [p for p in Iterators.product(fill(0:3, length(S))...) if 0 < sum(p) <= 3]
    monomial(p) = vec(prod(Z .^ collect(p)'; dims=2))
    lowered(p, k) = ntuple(j -> p[j] - (j == k), length(p))
    derivative(p, k) = p[k] == 0 ? zeros(size(Z, 1)) : p[k] .* monomial(lowered(p, k))
    slopes = [reduce(hcat, [derivative(p, k) for p in powers]) for k in eachindex(S)]   # per feature: row, power
    lengths = sqrt.(vec(sum(abs2, G; dims=2)))
    total = sum(D' * (lengths .^ 2 .* D) for D in slopes)
    along = sum(G[:, k] .* slopes[k] for k in eachindex(S))
    # The part of the gradient across f's, with a thousandth of all of it, for a given mean slope along f's.
    across = total .- along' * along .+ 1e-3 .* total + 1e-12 * tr(total) * I
    return reduce(hcat, monomial.(powers)) * (Symmetric(across) \ (along' * lengths))
end

"The one function whose multiples come closest to all columns."
function leading(M)
    U, S, _ = svd(M)
    return U[:, 1] .* S[1]
end

"Cubic splines of v with knots at its quantiles, without their mean: an orthonormal basis."
function splines(v)
    u = standard(v)
    knots = quantile(u, (1:7) ./ 8)
    return orthonormal([u u .^ 2 u .^ 3 max.(u .- knots', 0) .^ 3])
end

function orthonormal(M)
    U, S, _ = svd(M .- mean(M; dims=1))
    return U[:, S .> 1e-9 * S[1]]
end

"Slope of F as a function of f, each over a twentieth of the rows."
function local_slope(f, F)
    order, n = sortperm(f), length(f)
    half = max(n ÷ 40, 2)
    result = similar(f)
    for (k, row) in enumerate(order)
        low, high = order[max(k - half, 1)], order[min(k + half, n)]
        result[row] = (F[high] - F[low]) / (f[high] - f[low] + 1e-12)
    end
    return result
end
