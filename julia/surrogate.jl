# The surrogate: a Gaussian process whose covariance is a sum of terms, fitted by marginal likelihood, judged by leaving out rows.

"Violations much smaller than this part of the target's spread are none: the least noise a surrogate assumes."
const RESOLUTION = 1e-3

"""
    KernelTerm(Z, factor)

A part of the covariance between rows i and j: `a^2 factor_i factor_j exp(-sum_k (Z_ik - Z_jk)^2 / (2 l_k^2))`. `Z` has a row
per data row and a column per input; `a` and the length scales `l` are fitted.
"""
struct KernelTerm
    Z::Matrix{Float64}
    factor::Vector{Float64}
end

KernelTerm(Z::AbstractVecOrMat) = KernelTerm(Matrix{Float64}(reshape(Z, size(Z, 1), :)), ones(size(Z, 1)))

inputs(term::KernelTerm) = size(term.Z, 2)

"""
    Surrogate(terms, y, noise; constant, start, iterations)

A Gaussian process for `y` with the covariance `constant + sum(terms) + s^2 diag(noise)`.

Its parameters `theta` are, term by term, log a and the log l, then log s; they maximise the marginal likelihood under wide normal
priors (Rasmussen and Williams 2006, eqs. 2.30 and 5.9), from `start`. `residual` and `density` are each row's error and log
predictive density when that row is left out, at the fitted parameters (ibid., eqs. 5.10 to 5.12).
"""
struct Surrogate
    terms::Vector{KernelTerm}
    theta::Vector{Float64}
    constant::Float64
    objective::Float64
    weights::Vector{Float64}   # inverse covariance times y
    fitted::Vector{Float64}
    trust::Vector{Float64}     # of each row: 1 / noise
    residual::Vector{Float64}
    density::Vector{Float64}
end

function Surrogate(
    terms::Vector{KernelTerm}, y::Vector{Float64}, noise::Vector{Float64};
    constant=1.0, start::Vector{Float64}, iterations::Int,
)
    n = length(y)
    room = (inverse=Matrix{Float64}(undef, n, n), parts=[Matrix{Float64}(undef, n, n) for _ in terms])
    likelihood(theta) = negative_evidence!(room, terms, y, noise, constant, theta)
    theta = copy(start)
    while !isfinite(first(likelihood(theta))) && theta[end] < 5
        theta[end] += 1
    end
    theta = descend(likelihood, theta, iterations)
    objective, _, weights = likelihood(theta)
    precision = diag(room.inverse)
    residual = weights ./ precision
    density = @. 0.5 * (log(precision / 2pi) - residual^2 * precision)
    fitted = y .- (exp(2theta[end]) + RESOLUTION^2) .* noise .* weights
    return Surrogate(terms, theta, constant, objective, weights, fitted, 1 ./ noise, residual, density)
end

"Index in `theta` of log a of term `c`; the log l follow."
place(terms, c) = 1 + sum(1 + inputs(terms[k]) for k in 1:(c - 1); init=0)

"Root mean square of the error of left-out rows of ordinary noise, in units of the spread that `y` was scaled by."
validation_error(s::Surrogate) = sqrt(dot(s.trust, abs2.(s.residual)) / sum(s.trust))

"How many rows of equal noise say as much."
effective_rows(s::Surrogate) = sum(s.trust)^2 / sum(abs2, s.trust)

"Posterior mean of term `c` without its factor, at the rows."
part(s::Surrogate, c::Int) = first.(with_slope(s, c, 1))

"Derivative of the posterior mean of term `c` without its factor by its input `k`, at the rows."
slope(s::Surrogate, c::Int, k::Int) = last.(with_slope(s, c, k))

function with_slope(s::Surrogate, c::Int, k::Int)
    term, start = s.terms[c], place(s.terms, c)
    scale = exp.(s.theta[(start + 1):(start + inputs(term))])
    Z = permutedims(term.Z) ./ scale
    loads = exp(2s.theta[start]) .* term.factor .* s.weights
    return map(axes(Z, 2)) do j
        value = tilt = 0.0
        @inbounds for i in axes(Z, 2)
            square = 0.0
            for l in axes(Z, 1)
                square += abs2(Z[l, i] - Z[l, j])
            end
            pull = loads[i] * exp(-square / 2)
            value += pull
            tilt += pull * (Z[k, i] - Z[k, j])
        end
        (value, tilt / scale[k])
    end
end

"""
Negative log of marginal likelihood times prior, its gradient, and the inverse covariance times `y`; (Inf, ...) where the
covariance is not positive definite. Leaves the lower triangle of the inverse in `room.inverse`.
"""
function negative_evidence!(room, terms, y, noise, constant, theta)
    gradient = zero(theta)
    all(t -> abs(t) < 40, theta) || return Inf, gradient, y
    K = room.inverse
    fill!(K, constant)
    for (c, term) in enumerate(terms)
        covariance!(room.parts[c], term, view(theta, place(terms, c):(place(terms, c) + inputs(term))))
        K .+= room.parts[c]
    end
    variance = exp(2theta[end])
    for i in axes(K, 1)
        K[i, i] += (variance + RESOLUTION^2) * noise[i]
    end
    _, info = LAPACK.potrf!('L', K)
    info == 0 || return Inf, gradient, y
    value = sum(i -> log(K[i, i]), axes(K, 1))
    LAPACK.potri!('L', K)
    weights = BLAS.symv('L', 1.0, K, y)
    value += dot(y, weights) / 2
    for (c, term) in enumerate(terms)
        at = place(terms, c)
        slot = view(gradient, at:(at + inputs(term)))
        covariance_gradient!(slot, room.parts[c], K, weights, term, view(theta, at:(at + inputs(term))))
        value += prior!(slot, view(theta, at:(at + inputs(term))))
    end
    gradient[end] = variance * sum(i -> noise[i] * (K[i, i] - weights[i]^2), axes(K, 1))
    value += ((theta[end] + 5) / 10)^2 / 2
    gradient[end] += (theta[end] + 5) / 100
    return value, gradient, weights
end

"Wide normal priors: amplitudes about the target's spread, length scales about the width of the data."
function prior!(gradient, parameters)
    value = 0.0
    for (k, p) in enumerate(parameters)
        off = p - (k == 1 ? 0.0 : 1.0)
        value += off^2 / 8
        gradient[k] += off / 4
    end
    return value
end

"Lower triangle of a term's covariance; `parameters` are log a and the log l."
function covariance!(K, term, parameters)
    Z = term.Z ./ exp.(parameters[2:end]')
    factor = term.factor
    fill!(K, 0.0)
    n = size(K, 1)
    @inbounds for j in 1:n
        for k in axes(Z, 2)
            z = Z[j, k]
            @simd for i in j:n
                K[i, j] += (Z[i, k] - z)^2
            end
        end
        load = exp(2parameters[1]) * factor[j]
        for i in j:n
            K[i, j] = load * factor[i] * exp(-K[i, j] / 2)
        end
    end
end

"Adds d(value)/d(parameters), from half the trace of (inverse - weights weights') times the covariance's derivative."
function covariance_gradient!(gradient, K, inverse, weights, term, parameters)
    Z = term.Z ./ exp.(parameters[2:end]')
    n = size(K, 1)
    pull = Vector{Float64}(undef, n)
    @inbounds for j in 1:n
        total = 0.0
        w = weights[j]
        @simd for i in j:n
            pull[i] = (inverse[i, j] - weights[i] * w) * K[i, j]
            total += pull[i]
        end
        gradient[1] += 2total - pull[j]
        for k in axes(Z, 2)
            z, total = Z[j, k], 0.0
            @simd for i in j:n
                total += pull[i] * (Z[i, k] - z)^2
            end
            gradient[k + 1] += total
        end
    end
end

"""
    descend(f, x, iterations)

Minimise a smooth function by L-BFGS with backtracking (Nocedal and Wright 2006, algorithm 7.4), until two steps gain less than
0.001. `f` returns its value, gradient and anything more; an infinite value shortens the step.
"""
function descend(f, x::Vector{Float64}, iterations::Int; memory=8)
    value, gradient = f(x)
    pairs = Tuple{Vector{Float64},Vector{Float64}}[]
    idle = 0
    for _ in 1:iterations
        direction = -quasi_newton(gradient, pairs)
        if dot(direction, gradient) >= 0
            empty!(pairs)
            direction = -gradient
        end
        isempty(pairs) && (direction ./= max(1.0, norm(gradient)))
        direction .*= min(1.0, 3 / maximum(abs, direction; init=1e-300))   # the parameters are logarithms
        fall, step = dot(direction, gradient), 1.0
        next, turned = f(x .+ direction)
        while !(next <= value + 1e-4 * step * fall) && step > 1e-6
            step *= isfinite(next) ? clamp(-fall * step / (2 * (next - value - fall * step)), 0.1, 0.5) : 0.2
            next, turned = f(x .+ step .* direction)
        end
        next < value || break
        s, t = step .* direction, turned .- gradient
        if dot(s, t) > 1e-10 * norm(s) * norm(t)
            push!(pairs, (s, t))
            length(pairs) > memory && popfirst!(pairs)
        end
        idle = value - next < 1e-3 ? idle + 1 : 0
        x, value, gradient = x .+ s, next, turned
        idle == 2 && break
    end
    return x
end

"Inverse Hessian, as the last steps show it, times the gradient."
function quasi_newton(gradient, pairs)
    q = copy(gradient)
    isempty(pairs) && return q
    shares = map(reverse(pairs)) do (s, t)
        share = dot(s, q) / dot(s, t)
        q .-= share .* t
        share
    end
    s, t = last(pairs)
    q .*= dot(s, t) / dot(t, t)
    for ((s, t), share) in zip(pairs, reverse(shares))
        q .+= (share - dot(t, q) / dot(s, t)) .* s
    end
    return q
end
