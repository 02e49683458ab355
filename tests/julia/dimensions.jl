# The dimensional check: julia --project=. tests/julia/dimensions.jl
using Balmer
using Test

@isdefined(postfix) || include("formulas.jl")

@testset "what holds, and the units of the constants" begin
    spring = [LENGTH - 2TIME]
    for (target, tokens, constants) in [
        (LENGTH, (9.81, :t, "square", "mul"), spring),
        (LENGTH, (9.81, :t, 2, "pow", "mul"), spring),
        (LENGTH, (1.0, :t, "mul", :l, "add"), [LENGTH - TIME]),
        (nothing, (2.0, :l, "mul", "sin"), [-LENGTH]),
        (MASS, (2.0, :t, 3.0, "div", "neg", "exp", "mul"), [MASS, TIME]),
        (PURE, (:l, :d, "div", "log"), []),
        (TIME, (2.0, 3.0, "mul", :l, "mul"), [nothing, nothing]),
        (LENGTH, (:l, 0, "add"), []),
        ((MASS + LENGTH) / 2, (:m, :l, "mul", "sqrt"), []),
        (nothing, (:l, 2.0, "add", 2, "pow", :t, "div"), [LENGTH]),
        (4LENGTH / 3, (:l, 1.3333333, "pow"), [PURE]),
        (LENGTH, (4.0, 1.5, "pow", :l, "mul"), [PURE, PURE]),
        (TIME, (4.0, 1.5, "pow", :l, "mul"), [2 / 3 * (TIME - LENGTH), PURE]),
    ]
        found = check(target, tokens...)
        @test found.holds && found.distance === 0.0
        @test length(found.constants) == length(constants)
        for (constant, expected) in zip(found.constants, constants)
            @test expected === nothing ? constant === nothing : maximum(abs, constant .- expected) < 1e-9
        end
        @test target === nothing || maximum(abs, found.dimension .- target) < 1e-9
    end
end

@testset "what does not hold is graded by the exponents that are left" begin
    distance(target, tokens...) = check(target, tokens...).distance
    @test distance(LENGTH, :l, :t, "add") == 2
    @test distance(LENGTH, :t) == 2
    @test distance(LENGTH, :l, "square") == 1
    @test distance(LENGTH, :l, "square", :t, "div") == 2
    @test distance(LENGTH, :l, :t, "div") < distance(LENGTH, :l, "square", :t, "square", "div")
    @test distance(nothing, :l, :t, "div", "sin") == 2
    @test distance(nothing, :l, "sqrt", "exp") == 0.5
    @test distance(PURE, :l, :t, "pow") == 2  # the exponent is a time, and the base must then be pure
    @test distance(LENGTH, :l, :l, :d, "div", 2, "add", "pow") == 2  # 2 and a ratio is no number: its base must be pure
    @test distance(LENGTH, 1.0, :l, "add", 1.0, :t, "add", "add") == 2
    @test distance(LENGTH, :l, :l, :d, "sin", "mul", "add", :t, :t, :m, "add", "mul", "mul") == 1 + 2 + 2
    @test isempty(filter(!isnothing, check(LENGTH, 2.0, :l, :t, "add", "mul").constants))
    # Exponents beyond all numbers: as far off as can be, not NaN.
    @test distance(LENGTH, :l, 1e300, "pow", 1e300, "pow") == Balmer.LARGEST_DISTANCE
end

@testset "the order of the base quantities does not count" begin
    shift(unit) = circshift(unit, 3)
    formulas = [
        (:l, :t, "add"), (:l, "square", :t, "div", :m, "mul"), (2.0, :l, "mul", "exp", :t, "add"), (:m, :t, "pow")
    ]
    for tokens in formulas
        program = postfix(tokens...)
        here, there = (Balmer.check_dimensions(program..., Balmer.UnitSystem(map(f, FEATURE_UNITS), f(LENGTH)))
                       for f in (identity, shift))
        @test here.distance > 0
        @test here.distance ≈ there.distance
    end
end

@testset "how constants count" begin
    fall = (9.81, :t, "square", "mul")
    @test !check(LENGTH, fall...; constants=:dimensionless).holds
    @test check(2TIME, fall...; constants=:dimensionless).constants == [Tuple(PURE)]
    @test check(LENGTH, fall...; constants=[LENGTH - 2TIME]).holds
    @test check(LENGTH, fall...; constants=[LENGTH - TIME]).distance == 1
    both = check(LENGTH, fall..., 1.0, "add"; constants=[LENGTH - 2TIME, nothing])
    @test both.constants == [Tuple(LENGTH - 2TIME), Tuple(LENGTH)]
    @test_throws ArgumentError check(LENGTH, fall...; constants=[])
    @test_throws ArgumentError check(LENGTH, fall...; constants=:wild)
end

@testset "a constant with an unlikely unit is flagged" begin
    flagged(target, tokens...; more...) = check(target, tokens...; more...).flagged
    @test flagged(LENGTH, 9.81, :t, "square", "mul") == [false]
    @test flagged(LENGTH, 2.5, :l, 2.37, "pow", "mul") == [true, false]
    @test flagged(LENGTH, 2.5, :l, 2.5, "pow", "mul") == [false, false]
    @test flagged(LENGTH, 2.5, :t, "cube", "cube", "mul") == [true]
    @test flagged(LENGTH, 1.0, :t, "mul", 2.0, "mul") == [false, false]  # neither is solved for
    # What was declared is not solved for, and belongs to the problem's units.
    odd = LENGTH - 9TIME
    @test flagged(LENGTH, 2.5, :t, "cube", "cube", "mul"; constants=[odd]) == [false]
    sum = (1.0, :l, "mul", 2.5, :t, "cube", "cube", "mul", "add")
    @test flagged(LENGTH, sum...; constants=[PURE, nothing]) == [false, true]
    @test Balmer.is_simple_product(Tuple(2odd), [Tuple(LENGTH), Tuple(TIME), Tuple(odd)])
    @test !Balmer.is_simple_product(Tuple(MASS), [Tuple(LENGTH), Tuple(TIME)])
    @test Balmer.is_simple_product(Tuple(PURE), NTuple{8,Float64}[])
end

@testset "the penalty has the unit of the loss" begin
    y = [1.0, 2.0, 4.0]
    mean(x) = sum(x) / length(x)
    variance(y) = mean((y .- mean(y)) .^ 2)
    loss(y, guess, distance) = Balmer.penalised(mean((y .- guess) .^ 2), distance, variance(y), 0.5)
    for unit in (1e-9, 1.0, 1e6)
        @test loss(unit * y, unit * 2, 3.0) ≈ unit^2 * loss(y, 2, 3.0)
    end
    @test Balmer.penalised(0.25, 0.0, 2.0, Inf) === 0.25
    @test Balmer.penalised(0.25, 1.0, 0.0, Inf) === Inf
    @test Balmer.penalised(0.25, 2.0, 3.0, 0.5) === 3.25
    @test Balmer.penalised(0.25f0, 1.0, 2.0, 1.0) isa Float32
    @test issorted(Balmer.penalised(0.25, d, 2.0, 0.1) for d in (0, 0.5, 1, 4))
end

@testset "what is no formula is refused" begin
    units = Balmer.UnitSystem([LENGTH])
    @test_throws ArgumentError Balmer.check_dimensions([2, 2], [0, 0], [0.0, 0.0], units)
    @test_throws ArgumentError Balmer.check_dimensions([3], [0], [0.0], units)
    @test_throws ArgumentError Balmer.check_dimensions([2], [1], [0.0], units)
    @test_throws ArgumentError Balmer.check_dimensions([99], [0], [0.0], units)
    @test_throws ArgumentError Balmer.check_dimensions([2], [0], Float64[], units)
    @test_throws ArgumentError Balmer.UnitSystem([[1.0]])
end

bytes(work, program, units) = @allocated Balmer.distance!(work, program..., length(program[1]), units)

@testset "a check takes no memory" begin
    formulas = [
        (2.0, :t, 3.0, "div", "neg", "exp", "mul", :l, :d, "div", 1, "add", 2.5, "pow", "mul"),
        (:l, 0, "add", :t, 1.0, "mul", "add", :m, :t, "pow", "mul", 2.0, 3.0, "mul", "mul"),
    ]
    for tokens in formulas, constants in (:free, :dimensionless, fill(LENGTH, 3)), target in (nothing, MASS)
        program, units = postfix(tokens...), Balmer.UnitSystem(FEATURE_UNITS, target; constants)
        work = Balmer.DimensionWork(1, 0)
        before = bytes(work, program, units)
        @test bytes(work, program, units) == 0
    end
end
