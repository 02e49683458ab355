# Structure probes hold to a table of truths: julia --project=. tests/julia/structure.jl
using Balmer
using Random
using Test

"A function of named features, each with its range, and all structures it has by mathematics."
struct Case
    name::String
    f::Function
    names::Vector{Char}
    lower::Vector{Float64}
    upper::Vector{Float64}
    truth::Set{String}
end

function Case(name, f, truth=""; box...)
    names = [only(String(k)) for k in keys(box)]
    return Case(name, f, names, Float64[first(v) for v in values(box)], Float64[last(v) for v in values(box)], Set(split(truth)))
end

"Twelve functions with structure; what is not listed under a name it has not."
const CASES = [
    Case("oscillator energy", ((m, v, k, x),) -> m * v^2 / 2 + k * x^2 / 2,
        "additive:mv|kx generalised_additive:mv|kx compositional:mv compositional:kx";
        m=(1, 3), v=(1, 4), k=(1, 3), x=(1, 3)),
    Case("gaussian overlap", ((x, y, z),) -> z * exp(-(x - y)^2 / 2),
        "multiplicative:xy|z generalised_additive:xy|z difference:xy compositional:xy"; x=(0, 3), y=(0, 3), z=(1, 3)),
    Case("relativistic mass", ((m, v, c),) -> m / sqrt(1 - (v / c)^2),
        "multiplicative:m|vc generalised_additive:m|vc ratio:vc compositional:vc"; m=(1, 5), v=(0.2, 0.9), c=(1, 2)),
    Case("phase and square", ((k, x, t),) -> sin(k * x) + t^2,
        "additive:kx|t generalised_additive:kx|t product:kx compositional:kx"; k=(1, 2), x=(0.5, 2), t=(1, 3)),
    Case("screened charge", ((q, x, y, L),) -> q * exp(-hypot(x, y) / L),
        "multiplicative:q|xyL generalised_additive:q|xyL radius:xy compositional:xy compositional:xyL";
        q=(1, 4), x=(0.5, 3), y=(0.5, 3), L=(1, 3)),
    Case("mass over temperature", ((E, p, T),) -> sqrt(E^2 - p^2) / T,
        "multiplicative:Ep|T generalised_additive:Ep|T hyperbolic:Ep compositional:Ep"; E=(3, 6), p=(0.5, 2.5), T=(1, 3)),
    Case("ideal gas", ((n, T, V),) -> n * T / V,
        "multiplicative:n|TV multiplicative:nT|V multiplicative:nV|T generalised_additive:n|TV generalised_additive:nT|V
         generalised_additive:nV|T product:nT ratio:nV ratio:TV compositional:nT compositional:nV compositional:TV";
        n=(1, 4), T=(1, 4), V=(1, 4)),
    Case("sum of three", ((a, b, c),) -> log(a) + b^2 + sin(c),
        "additive:a|bc additive:ab|c additive:ac|b generalised_additive:a|bc generalised_additive:ab|c
         generalised_additive:ac|b compositional:ab compositional:ac compositional:bc"; a=(1, 5), b=(0.5, 2), c=(0, 3)),
    Case("velocity addition", ((u, v),) -> (u + v) / (1 + u * v), "generalised_additive:u|v"; u=(0.1, 0.9), v=(0.1, 0.9)),
    Case("parallel resistors", ((a, b, c),) -> 1 / (1 / a + 1 / b + 1 / c),
        "generalised_additive:a|bc generalised_additive:ab|c generalised_additive:ac|b compositional:ab compositional:ac
         compositional:bc"; a=(1, 5), b=(1, 5), c=(1, 5)),
    Case("travelling wave", ((A, k, x, w, t),) -> A * cos(k * x - w * t),
        "multiplicative:A|kxwt product:kx product:wt compositional:kx compositional:wt compositional:kxwt";
        A=(1, 3), k=(0.5, 1.5), x=(0.5, 2), w=(0.5, 1.5), t=(0.5, 2)),
    Case("two masses", ((m, n, x, y, h),) -> m * n / ((x - y)^2 + h^2),
        "multiplicative:m|nxyh multiplicative:mxyh|n multiplicative:mn|xyh generalised_additive:m|nxyh
         generalised_additive:mxyh|n generalised_additive:mn|xyh product:mn difference:xy compositional:mn compositional:xy
         compositional:xyh compositional:mxyh compositional:nxyh"; m=(1, 3), n=(1, 3), x=(3, 5), y=(0, 2), h=(1, 2)),
    # and none at all
    Case("chirp", ((x, y),) -> sin(x * y) + x; x=(0.5, 3), y=(0.5, 3)),
    Case("pairwise products", ((x, y, z),) -> x * y + y * z + z * x; x=(1, 3), y=(1, 3), z=(1, 3)),
    Case("damped oscillation", ((b, t, w),) -> exp(-b * t) * cos(w * t); b=(0.2, 1), t=(0.5, 3), w=(1, 2.5)),
    Case("van der Waals", ((T, V, b, a),) -> T / (V - b) - a / V^2; T=(1, 3), V=(2, 4), b=(0.2, 1), a=(1, 3)),
    Case("decay and flow", ((a, b, c, d, e),) -> a * exp(-b * c) + c * d / (a + e);
        a=(0.5, 2), b=(0.5, 2), c=(0.5, 2), d=(0.5, 2), e=(0.5, 2)),
    Case("crossed waves", ((x, y),) -> sin(x) * y + cos(y) * x; x=(0, 3), y=(0, 3)),
]

"Uniform rows in the box; the noise is relative to the target's root mean square."
function rows(case, noise; n=1000, seed=1)
    rng = Xoshiro(seed)
    X = case.lower .+ (case.upper .- case.lower) .* rand(rng, length(case.lower), n)
    y = map(case.f, eachcol(X))
    return X, y .+ noise * sqrt(sum(abs2, y) / n) .* randn(rng, n)
end

label(case, f) = string(f.kind, ":", String(case.names[f.variables]), isempty(f.rest) ? "" : "|" * String(case.names[f.rest]))
claims(case, findings) = Set(label(case, f) for f in findings if f.verdict)
verdicts(findings) = [(f.kind, f.variables, f.rest, f.verdict) for f in findings]
found(findings) = [f for f in findings if f.verdict]
named(name) = only(c for c in CASES if c.name == name)

"Cases with any wrong verdict, reported with what was missed and what was claimed."
function wrong(noise)
    return filter(CASES) do case
        got = claims(case, probe(rows(case, noise)...; seed=0))
        got == case.truth && return false
        @info "$(case.name) at noise $noise" missed = setdiff(case.truth, got) claimed = setdiff(got, case.truth)
        true
    end
end

@testset "the table of truths agrees with the functions themselves" begin
    for case in CASES
        @test claims(case, probe(case.f, case.lower, case.upper)) == case.truth
    end
end

@testset "verdicts on tables" begin
    @test length(wrong(0.0)) <= 1
    @test length(wrong(0.01)) <= 3
end

@testset "every hypothesis is answered, and a verdict is its statistic against the threshold" begin
    findings = probe(rows(named("ideal gas"), 0.01; n=300)...)
    @test length(findings) == 3 + 3 + 3 * 6 + 3 * 3
    @test allunique((f.kind, f.variables, f.rest) for f in findings)
    @test all(f.verdict == (f.statistic <= f.threshold) for f in findings)
end

@testset "units do not change a verdict" begin
    X, y = rows(named("ideal gas"), 0.01; n=200)
    # Of one feature's unit alone, x - y and its like are not to be asked.
    unbound(findings) = filter(f -> !(f.kind in (:difference, :sum, :radius, :hyperbolic)), findings)
    findings = probe(X, y)
    for factors in ([1e6, 1, 1], [1, 1e-6, 1], [1e-6, 1, 1e6])
        @test verdicts(unbound(probe(X .* factors, y))) == verdicts(unbound(findings))
    end
    everything = verdicts(findings)
    for factor in (1e6, 1e-6)
        @test verdicts(probe(X, factor .* y)) == everything
        @test verdicts(probe(factor .* X, y)) == everything
    end
end

@testset "none is an answer" begin
    rng = Xoshiro(3)
    @test isempty(found(probe(randn(rng, 3, 500), randn(rng, 500))))
    @test isempty(found(probe(rand(rng, 2, 25), randn(rng, 25))))
end

@testset "a variable that does not matter" begin
    X = rand(Xoshiro(4), 3, 300)
    findings = probe(X, sin.(2 .* X[1, :] .* X[3, :]) .+ X[1, :])
    @test [f.variables for f in findings if f.kind == :irrelevant && f.verdict] == [[2]]
end

@testset "weights say which rows to trust" begin
    case = named("gaussian overlap")
    X, y = rows(case, 0.0; n=400)
    spoilt = 1:2:400
    y[spoilt] .+= randn(Xoshiro(5), 200)
    weights = ones(400)
    weights[spoilt] .= 1e-6
    @test claims(case, probe(X, y; weights)) == case.truth
    weights[spoilt] .= 0
    @test claims(case, probe(X, y; weights)) == claims(case, probe(X[:, 2:2:400], y[2:2:400]))
end

@testset "one seed, one answer, on any number of threads" begin
    # Another process is the only way to another number of threads.
    program = """
        using Balmer, Random
        X = 0.1 .+ 0.8 .* rand(Xoshiro(6), 2, 120)
        y = (X[1, :] .+ X[2, :]) ./ (1 .+ X[1, :] .* X[2, :]) .+ 0.01 .* randn(Xoshiro(7), 120)
        answer = repr([(f.kind, f.variables, f.statistic) for f in probe(X, y; seed=7)])
        """
    others = Threads.nthreads() == 1 ? 2 : 1
    julia = `$(Base.julia_cmd()) --startup-file=no --threads=$others --project=$(Base.active_project())`
    printing = program * "print(answer)"
    @test read(`$julia -e $printing`, String) == include_string(Module(), program)
end

@testset "a probe that Python asks for" begin
    X, y = rows(named("velocity addition"), 0.0; n=200)
    flat = vec(permutedims(X))
    asked = merge!(Balmer.request(), Dict("X" => flat, "y" => y, "weights" => ones(200), "n_features" => 2, "seed" => 0))
    probing = Balmer.start_probe(asked)
    while Balmer.advance!(probing, 0.1)
    end
    arrays, kinds = Balmer.found(probing), split(Balmer.kinds(probing), "\n")
    @test length(arrays["variables"]) == length(arrays["rest"]) == 2 * length(kinds)
    @test kinds[arrays["statistic"] .<= arrays["threshold"]] == ["generalised_additive"]
    @test only(arrays["validation_error"]) < 1e-2
    @test arrays["statistic"] == [f.statistic for f in probe(X, y)]
    @test Balmer.fraction(probing) == 1
    merge!(asked, Dict("y" => ones(199)))
    @test_throws ArgumentError Balmer.start_probe(merge!(asked, Dict("X" => flat[1:398], "weights" => ones(200)))) |>
                               probing -> Balmer.advance!(probing, 60.0)
end

@testset "a C function is probed" begin
    wave(x::Ptr{Float64}, n::Int64)::Float64 = sin(unsafe_load(x, 1) - unsafe_load(x, 2)) * unsafe_load(x, n)
    address = Int(@cfunction($wave, Float64, (Ptr{Float64}, Int64)).ptr)
    asked = merge!(Balmer.request(), Dict("lower" => [0.0, 0, 1], "upper" => [2.0, 2, 3], "seed" => 0))
    probing = Balmer.probe_function(address, asked)
    found_kinds = [f.kind for f in probing.findings if f.verdict]
    @test :difference in found_kinds && :multiplicative in found_kinds && !(:additive in found_kinds)
end

@testset "stop ends a probe" begin
    X, y = rows(named("ideal gas"), 0.0; n=100)
    @test isempty(probe(X, y; stop=() -> true))
    fractions = Float64[]
    probe(X, y; progress=share -> push!(fractions, share))
    @test issorted(fractions) && last(fractions) == 1
end

@testset "what cannot be tested" begin
    X, y = rows(named("ideal gas"), 0.0; n=30)
    @test isempty(probe(X[1:1, :], y))
    @test isempty(probe(X, ones(30)))
    @test_throws ArgumentError probe(X[:, 1:19], y[1:19])
    @test_throws ArgumentError probe(X, [NaN; y[2:end]])
    @test_throws ArgumentError probe([[Inf; 1; 1] X[:, 2:end]], y)
    @test_throws ArgumentError probe(X, y[2:end])
    @test_throws ArgumentError probe(X, y; weights=-ones(30))
    @test_throws ArgumentError probe(x -> x[1] < 0.5 ? Inf : x[2], [0.0, 0.0], [1.0, 1.0])
    @test_throws ArgumentError probe(sum, [0.0, 1.0], [1.0, 1.0])
end
