# The module from Julia alone: julia --project=. tests/julia/runtests.jl
using Balmer
using Test

code(name) = only(c for (c, (n, _)) in Balmer.OPERATORS if n == name)
unary(name, x) = evaluate([2, code(name)], [0, 0], [0.0, 0.0], reshape(collect(Float64, x), 1, :))

@testset "every operator has a meaning" begin
    for (name, arity) in values(Balmer.OPERATORS)
        @test haskey(Balmer.MEANING, name)
        @test isfinite(Balmer.MEANING[name](fill(0.5, arity)...))
    end
    @test Set(first.(values(Balmer.OPERATORS))) == Set(keys(Balmer.MEANING))
end

@testset "outside its domain a function is NaN" begin
    for (name, x) in [("log", -1), ("sqrt", -1), ("asin", 2), ("acos", -2), ("log1p", -2), ("logexpm1", -1),
                      ("log1mexp", -1), ("sin", Inf), ("cos", -Inf), ("tan", Inf)]
        @test isnan(only(unary(name, [x])))
    end
    @test isnan(only(evaluate([2, 1, code("pow")], [0, 0, 0], [0.0, 0.5, 0.0], fill(-2.0, 1, 1))))
    @test only(evaluate([2, 1, code("pow")], [0, 0, 0], [0.0, 3.0, 0.0], fill(-2.0, 1, 1))) == -8
    @test unary("cbrt", [-8.0]) == [-2.0]
end

@testset "forms that do not overflow" begin
    @test unary("logexpm1", [1000.0]) == [1000.0]
    @test unary("log1mexp", [1e-20]) ≈ [log(1e-20)]
end

@testset "a formula in every row" begin
    X = [1.0 2.0 3.0; 4.0 5.0 6.0]
    ops = [0, 2, code("square"), code("mul"), 2, code("add")]  # 2.5 x0^2 + x1
    @test evaluate(ops, [0, 0, 0, 0, 1, 0], [2.5, 0, 0, 0, 0, 0], X) == 2.5 .* X[1, :] .^ 2 .+ X[2, :]
end

@testset "what is no formula is refused" begin
    X = ones(1, 2)
    @test_throws ArgumentError evaluate([2, 2], [0, 0], [0.0, 0.0], X)
    @test_throws ArgumentError evaluate([code("add")], [0], [0.0], X)
    @test_throws ArgumentError evaluate([2], [1], [0.0], X)
    @test_throws ArgumentError evaluate([99], [0], [0.0], X)
end

# Each file in a module of its own, so that their names do not meet.
for file in ("derivatives.jl", "dimensions.jl", "dimension_gaps.jl", "search.jl", "structure.jl")
    @testset "$file" begin
        Core.eval(Main, :(module $(Symbol(splitext(file)[1], "_tests")) include($(joinpath(@__DIR__, file))) end))
    end
end
