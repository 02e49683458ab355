# Probes under way: started by Python, watched by it, and read out as arrays.

mutable struct Probing
    const n_features::Int
    const stop::Threads.Atomic{Bool}
    fraction::Float64
    findings::Vector{Finding}
    validation_error::Float64
    task::Union{Nothing,Task}
end

Probing(n_features::Int) = Probing(n_features, Threads.Atomic{Bool}(false), 0.0, Finding[], NaN, nothing)

"""
    start_probe(request) -> Probing

As `probe(X, y)`, in a task; the request holds `X` (feature after feature), `y`, `weights`, `n_features` and `seed`.
"""
function start_probe(r::Request)
    y = r["y"]::Vector{Float64}
    probing = Probing(r["n_features"]::Int)
    X = transpose(reshape(r["X"]::Vector{Float64}, length(y), probing.n_features))
    probing.task = Threads.@spawn begin
        probing.findings, probing.validation_error = Structure.probe_data(
            X, y; weights=r["weights"]::Vector{Float64}, seed=r["seed"]::Int, rows=600,
            progress=fraction -> (probing.fraction = fraction), stop=() -> probing.stop[])
    end
    return probing
end

"Let the probe run for that long, or until it ends; whether it still runs. Throws what went wrong in it."
function advance!(probing::Probing, seconds::Real)
    timedwait(() -> istaskdone(probing.task), Float64(seconds); pollint=0.01)
    istaskdone(probing.task) || return true
    try
        fetch(probing.task)
    catch error
        throw(root_of(error))
    end
    return false
end

"Ask the probe to end with what it has found."
function interrupt!(probing::Probing)
    probing.stop[] = true
    return nothing
end

fraction(probing::Probing) = probing.fraction

"""
    probe_function(address, request) -> Probing

As `probe(f, lower, upper)` for a C function `double f(const double *x, int64_t n)`; the request holds `lower`, `upper`, `seed`.
It is called on this thread, which Python holds.
"""
function probe_function(address::Int, r::Request)
    lower, upper = r["lower"]::Vector{Float64}, r["upper"]::Vector{Float64}
    pointed = Ptr{Cvoid}(address)
    f(x) = ccall(pointed, Float64, (Ptr{Float64}, Int64), x, length(x))
    probing = Probing(length(lower))
    probing.findings = probe(f, lower, upper; seed=r["seed"]::Int)
    return probing
end

"What was found: a row per finding and a column per feature in `variables` and `rest`, row after row."
function found(probing::Probing)
    member(groups) = Int64[i in group for group in groups for i in 1:(probing.n_features)]
    return Dict{String,Vector}(
        "variables" => member(f.variables for f in probing.findings), "rest" => member(f.rest for f in probing.findings),
        "statistic" => Float64[f.statistic for f in probing.findings],
        "threshold" => Float64[f.threshold for f in probing.findings], "validation_error" => [probing.validation_error])
end

"The kind of each finding, a line each."
kinds(probing::Probing) = join((f.kind for f in probing.findings), "\n")
