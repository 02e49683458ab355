# The operators' values and derivatives by opcode: julia --project=. tests/julia/derivatives.jl
using Balmer
using Test

const CODES = sort!(collect(keys(Balmer.OPERATORS)))

"Arguments at which every operator is defined and smooth."
places(name) = name in ("asin", "acos") ? [(0.3, 0.0), (-0.7, 0.0)] : name == "cbrt" ? [(0.3, 0.0), (-2.0, 0.0)] :
    name in ("abs", "neg", "inv", "square", "cube", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "expm1") ?
    [(0.7, 0.0), (-1.2, 0.0)] : [(0.7, 1.9), (2.5, 0.4), (1.5, 1.2)]

central(f, x, h=1e-6) = (f(x + h) - f(x - h)) / 2h

@testset "derivatives are those of the values" begin
    for code in CODES, (a, b) in places(Balmer.NAMES[code + 1])
        v = Balmer.value(Val(code), a, b)
        da, db = Balmer.partials(Val(code), a, b, v)
        @test da ≈ central(x -> Balmer.value(Val(code), x, b), a) rtol = 1e-7 atol = 1e-9
        @test db ≈ central(x -> Balmer.value(Val(code), a, x), b) rtol = 1e-7 atol = 1e-9
    end
end

@testset "a negative base has a power, and a derivative, where the exponent is whole" begin
    code = only(c for c in CODES if Balmer.NAMES[c + 1] == "pow")
    @test Balmer.value(Val(code), -2.0, 3.0) == -8.0
    @test Balmer.partials(Val(code), -2.0, 3.0, -8.0)[1] == 12.0
    @test Balmer.partials(Val(code), 0.0, 2.0, 0.0) == (0.0, 0.0)
    @test Balmer.partials(Val(code), 0.0, 0.0, 1.0)[1] == 0.0
end

@testset "values are what the table says they mean" begin
    arguments = [(0.5, 0.25), (-0.5, 2.0), (2.0, -1.5), (NaN, 1.0), (Inf, 1.0), (-Inf, 2.0), (0.0, 0.0)]
    for code in CODES, (a, b) in arguments
        name, arity = Balmer.OPERATORS[code]
        @test Balmer.value(Val(code), a, b) === Float64(Balmer.MEANING[name]((a, b)[1:arity]...))
    end
end

@testset "every value and derivative is a Float64" begin
    for code in CODES
        @test (@inferred Balmer.value(Val(code), 0.5, 0.25)) isa Float64
        @test (@inferred Balmer.partials(Val(code), 0.5, 0.25, 0.5)) isa Tuple{Float64,Float64}
        @test Balmer.partials(Val(code), -3.0, 0.25, NaN) isa Tuple{Float64,Float64}  # outside the domain too
    end
    @test_throws ArgumentError Balmer.value(Val(99), 0.5, 0.25)
end

@testset "by opcode stands what the table has" begin
    for (code, (name, arity)) in Balmer.OPERATORS
        @test (Balmer.NAMES[code + 1], Balmer.ARITY[code + 1]) == (name, arity)
    end
    @test Balmer.ARITY[1:3] == [0, 0, 0]
    @test length(Balmer.NAMES) == length(Balmer.RULE) == length(Balmer.POWER) == length(Balmer.FUNCTION)
    @test Balmer.POWER[findfirst(==("cbrt"), Balmer.NAMES)] == 1 // 3
    @test Balmer.RULE[findfirst(==("pow"), Balmer.NAMES)] == Balmer.RULE_POW
end
