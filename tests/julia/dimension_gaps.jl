# Six answers of SymbolicRegression's own dimensional check beside ours: julia --project=. tests/julia/dimension_gaps.jl
using Balmer
using SymbolicRegression
using SymbolicRegression.DimensionalAnalysisModule: violates_dimensional_constraints
using SymbolicRegression.LossFunctionsModule: eval_loss
using Test

@isdefined(postfix) || include("formulas.jl")

const UNARY = ("sin" => sin, "exp" => exp, "log" => log, "square" => square)
const BINARY = ("add" => +, "sub" => -, "mul" => *, "div" => /, "pow" => ^)
const ROWS = 20
const DATA = [0.5 + ((7i + 3j) % 11) / 4 for i in 1:4, j in 1:ROWS]

their_options(; more...) = Options(;
    binary_operators=[last(o) for o in BINARY], unary_operators=[last(o) for o in UNARY], save_to_file=false, more...
)
their_dataset(y, y_units; X=DATA) = Dataset(X, y; X_units=["m", "m", "s", "kg"], y_units)

"The same formula as a tree of theirs."
function their_tree(tokens...)
    stack = Node{Float64}[]
    for token in tokens
        if token isa Symbol
            push!(stack, Node{Float64}(; feature=findfirst(==(token), FEATURES)))
        elseif token isa Number
            push!(stack, Node{Float64}(; val=Float64(token)))
        elseif token in first.(UNARY)
            push!(stack, Node{Float64}(; op=findfirst(==(token), first.(UNARY)), l=pop!(stack)))
        else
            right, left = pop!(stack), pop!(stack)
            push!(stack, Node{Float64}(; op=findfirst(==(token), first.(BINARY)), l=left, r=right))
        end
    end
    return only(stack)
end

"Whether their check accepts it."
they_accept(target, tokens...; X=DATA) =
    !violates_dimensional_constraints(
        their_tree(tokens...), their_dataset(ones(ROWS), target; X), their_options()
    )

@testset "both see a plain mistake and a plain truth" begin
    @test they_accept("m", :l, :d, "add") && check(LENGTH, :l, :d, "add").holds
    @test !they_accept("m", :l, :t, "add") && !check(LENGTH, :l, :t, "add").holds
end

@testset "1: a custom loss and a template are checked too" begin
    wrong = (:l, :t, "add")
    squares(tree, dataset, options) = sum(abs2, first(eval_tree_array(tree, dataset.X, options)) .- dataset.y) / ROWS
    dataset = their_dataset(DATA[1, :], "m")
    loss = eval_loss(their_tree(wrong...), dataset, their_options(; loss_function=squares))
    @test loss == squares(their_tree(wrong...), dataset, their_options())  # nothing was added for the mistake
    # Ours is of the formula and knows of no loss: whatever the loss is, the penalty comes on top.
    @test Balmer.penalised(loss, check(LENGTH, wrong...).distance, 1.0, 1.0) == loss + 2

    options = their_options()
    part(tree) = ComposableExpression(tree; operators=options.operators, variable_names=["x1", "x2", "x3", "x4"])
    structure = TemplateStructure{(:f, :g)}(((; f, g), (l, d, t, m)) -> f(l) + g(t))
    identity_tree = Node{Float64}(; feature=1)
    template = TemplateExpression(
        (; f=part(identity_tree), g=part(identity_tree)); structure, operators=options.operators,
        variable_names=["l", "d", "t", "m"]
    )
    @test_throws AssertionError violates_dimensional_constraints(
        template, dataset, options
    )
    @test !check(LENGTH, wrong...).holds  # what a template with f and g filled in is as a formula
end

@testset "2: sin, exp and log of a pure number" begin
    for name in ("sin", "exp", "log")
        @test !they_accept("1", :l, :d, "div", name)
        @test check(PURE, :l, :d, "div", name).holds
        @test !check(PURE, :l, :t, "div", name).holds
    end
end

@testset "3: a whole power of something dimensional" begin
    @test !they_accept("m^2", :l, 2, "pow")
    @test check(2LENGTH, :l, 2, "pow").holds
    @test check(2LENGTH, :l, 2.0, "pow").holds
    @test !check(LENGTH, :l, 2, "pow").holds
end

@testset "4: a value that is not finite in the first row" begin
    tokens = (:l, :l, :d, "sub", "div", :t, "mul")
    X = copy(DATA)
    @test they_accept("s", tokens...; X)
    X[2, 1] = X[1, 1]  # now l - d = 0 in one row, and the units are what they were
    @test !they_accept("s", tokens...; X)
    @test check(TIME, tokens...).holds
end

@testset "5: a constant that takes any unit is seen" begin
    tokens = (2.5, :t, "square", "square", "square", "mul")
    @test they_accept("m", tokens...)  # and that is all it says
    ours = check(LENGTH, tokens...)
    @test ours.holds && ours.constants == [Tuple(LENGTH - 8TIME)] && ours.flagged == [true]
    @test !check(LENGTH, tokens...; constants=[LENGTH - 2TIME]).holds
end

@testset "6: a penalty on the scale of the loss, graded by the mistake" begin
    near, far = (:l, :d, "mul"), (:l, :t, "mul", "square")
    for unit in (1e-6, 1e6)
        y = unit .* DATA[1, :]
        their_penalty(tokens) =
            eval_loss(their_tree(tokens...), their_dataset(y, "m"), their_options()) -
            eval_loss(their_tree(tokens...), Dataset(DATA, y), their_options())
        if unit < 1
            @test their_penalty(near) ≈ their_penalty(far) ≈ 1000  # against squares of 1e-12
        else
            @test abs(their_penalty(near)) < 1e-6 * sum(abs2, y)  # and here it is nothing
        end
        variance = sum(abs2, y .- sum(y) / ROWS) / ROWS
        our_penalty(tokens) = Balmer.penalised(0.0, check(LENGTH, tokens...).distance, variance, 1.0)
        @test our_penalty(near) ≈ variance
        @test our_penalty(far) ≈ 3variance
    end
end
