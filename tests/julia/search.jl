# The search on SymbolicRegression.jl: programs and trees, fits, islands, limits, units, state.
using Balmer
using Test
using Balmer: Asked, Budget, Custom, Fitter, Judge, Language, Limits, Program, Strategy, Table, UnitSystem, Workspace
using Balmer: advance!, begin_search, capacity, evaluations, fit!, found, front, link!, lower!, opcode, saved, stop!
using Balmer: as_tree, sum_loss!

function workspace(program::Program)
    w = Workspace(40)
    w.length = length(program)
    w.ops[1:(w.length)], w.args[1:(w.length)], w.values[1:(w.length)] = program.ops, program.args, program.values
    return link!(w)
end

# a exp(-b x) + c
decay(a, b, c) = Program(Int16[0, 0, 2, opcode("mul"), opcode("neg"), opcode("exp"), opcode("mul"), 0, opcode("add")],
                         zeros(Int16, 9), [a, b, 0, 0, 0, 0, 0, c, 0])

x = collect(range(0.1, 3.0; length=700))  # more than one block of rows
uniform = fill(1 / length(x), length(x))
table = Table(reshape(x, :, 1), 2.0 .* exp.(-1.5 .* x) .+ 0.5, uniform)

@testset "the loss is the weighted sum of squared residuals" begin
    program = decay(1.0, 1.0, 0.0)
    expected = sum(uniform .* (evaluate(program.ops, program.args, program.values, x') .- table.y) .^ 2)
    @test sum_loss!(workspace(program), table) ≈ expected rtol = 1e-14
    @test sum_loss!(workspace(program), table, expected / 2) == Inf
    root = Program(Int16[2, 0, opcode("sub"), opcode("sqrt")], zeros(Int16, 4), [0.0, 1.0, 0.0, 0.0])
    @test sum_loss!(workspace(root), table) == Inf  # no value below 1
end

@testset "a row that overflows harmlessly disqualifies nothing" begin
    steep = Table(reshape([1.0, 800.0], :, 1), [1 / (1 + exp(1.0)), 0.0], [0.5, 0.5])
    program = Program(Int16[1, 1, 2, opcode("exp"), opcode("add"), opcode("div")], zeros(Int16, 6), [1.0, 1, 0, 0, 0, 0])
    @test sum_loss!(workspace(program), steep) < 1e-30
end

@testset "constants are fitted to the least squares" begin
    w = workspace(decay(1.0, 1.0, 0.0))
    loss, passes = fit!(w, Fitter(), table; max_steps=30)
    @test loss < 1e-20
    @test w.values[w.constants[1:3]] ≈ [2.0, 1.5, 0.5]
    @test 1 < passes < 60
    # In other units the same steps are taken.
    scaled = Table(reshape(x .* 1e6, :, 1), table.y .* 1e-6, uniform)
    v = workspace(decay(1e-6, 1e-6, 0.0))
    loss, _ = fit!(v, Fitter(), scaled; max_steps=30)
    @test loss < 1e-30
end

language = Language([opcode("neg"), opcode("exp")], [opcode("add"), opcode("mul")], 1, [2.0, -1.0])

@testset "a program becomes a tree and the same program again" begin
    with_literal = Program(Int16[1, 2, opcode("mul"), 0, opcode("add")], zeros(Int16, 5), [-1.0, 0, 0, 3.5, 0])
    for program in (decay(1.0, 2.0, 3.0), with_literal)
        w = Workspace(40)
        @test lower!(w, as_tree(program, language), language)
        @test (w.ops[1:(w.length)], w.args[1:(w.length)], w.values[1:(w.length)]) ==
              (program.ops, program.args, program.values)
    end
    @test !lower!(Workspace(4), as_tree(decay(1.0, 2.0, 3.0), language), language)
    @test_throws ArgumentError as_tree(Program(Int16[2, opcode("sin")], Int16[0, 0], zeros(2)), language)
end

limits = Limits([2; ones(Int, length(Balmer.ARITY) - 1)], 12, 6, 2)
asked(; units=nothing, mode=:ignore, limits=limits, language=language, table=table) =
    Asked(table, language, limits, units, mode, 1.0, 0.1)

function finished(question; budget=Budget(; evaluations=6000), seed=1, threads=2, more...)
    search = begin_search(question, Strategy(), budget; seed, threads, n_islands=4, more...)
    while advance!(search, 0.2)
    end
    return search
end

programs(search) = [(p.ops, p.args, p.values) for p in filter(!isnothing, vec(search.archive.program))]

@testset "one seed gives one result on any number of threads" begin
    results = [programs(finished(asked(); threads)) for threads in (1, 2, 4)]
    @test results[1] == results[2] == results[3]
    @test !isempty(results[1])
    @test programs(finished(asked(); seed=2)) != results[1]
end

@testset "the limits are kept" begin
    for program in filter(!isnothing, vec(finished(asked()).archive.program))
        w = workspace(program)
        @test sum(limits.cost[op + 1] for op in program.ops) <= 12
        @test w.depth[w.length] <= 6
        @test w.n_constants <= 2
    end
end

@testset "a budget in evaluations is kept" begin
    search = finished(asked())
    @test search.stopped == :evaluations
    @test 6000 <= evaluations(search) < 8000
end

@testset "a search is stopped and keeps what it found" begin
    search = begin_search(asked(), Strategy(), Budget(); seed=1, n_islands=4)
    while evaluations(search) < 5000
        advance!(search, 0.02)
    end
    stop!(search, :interrupted)
    while advance!(search, 0.2)
    end
    @test search.stopped == :interrupted
    @test !isempty(programs(search))
end

@testset "a start formula is kept, fitted" begin
    start = decay(1.0, 1.0, 0.0)
    wide = Limits(limits.cost, 14, 8, 3)
    search = finished(asked(; limits=wide); budget=Budget(; evaluations=100), starts=[start])
    @test minimum(search.archive.loss) < 1e-20
end

@testset "a search goes on from its state as if it had not been interrupted" begin
    state = saved(finished(asked()))
    again = [finished(asked(); seed=s, state) for s in (1, 99)]
    @test programs(again[1]) == programs(again[2])
    @test minimum(again[1].archive.loss) <= minimum(state["archive_loss"])
    @test 6000 <= evaluations(again[1]) < 8000
    @test_throws ArgumentError begin_search(asked(), Strategy(), Budget(; evaluations=10); seed=1, n_islands=3, state)
end

@testset "a custom operator is put in as one piece" begin
    gauss = Custom(Program(Int16[2, 2, opcode("mul"), opcode("neg"), opcode("exp")], zeros(Int16, 5), zeros(5)), 1)
    bell = Table(reshape(x, :, 1), 3.0 .* exp.(-(x .^ 2)), uniform)
    search = finished(asked(; table=bell); customs=[gauss], budget=Budget(; evaluations=10_000, target_loss=1e-20))
    @test search.stopped == :target
end

@testset "what does not hold dimensionally is not found" begin
    metre, second = ntuple(i -> Float64(i == 1), 8), ntuple(i -> Float64(i == 3), 8)
    units = UnitSystem([metre], second)
    for program in filter(!isnothing, vec(finished(asked(; units, mode=:forbid)).archive.program))
        @test Balmer.check_dimensions(program.ops, program.args, program.values, units).holds
    end
    wrong = finished(asked()).archive.program
    @test any(p -> p !== nothing && !Balmer.check_dimensions(p.ops, p.args, p.values, units).holds, wrong)
end

@testset "from Julia alone" begin
    formulas = Balmer.search(x', 2.5 .* x .^ 2; operators=["add", "mul", "square"], evaluations=20_000, names=["t"])
    @test issorted([f.complexity for f in formulas]; lt=<=)
    @test issorted([f.loss for f in formulas]; rev=true)
    @test last(formulas).loss < 1e-25
    @test Balmer.predict(last(formulas), [3.0;;]) ≈ [22.5]
    @test occursin("t", string(last(formulas)))
    @test_throws ArgumentError Balmer.search(x', x; operators=["plus"])
    @test_throws ArgumentError Balmer.search(x', x[1:3]; evaluations=10)
end

@testset "formulas stay formulas under our own changes" begin
    # They stand in where a version of SymbolicRegression calls its own otherwise.
    two = Language([opcode("neg"), opcode("exp")], [opcode("add"), opcode("mul"), opcode("div")], 3, [2.0])
    leaves(t) = sort([(n.constant, n.constant ? n.val : Float64(n.feature)) for n in t if n.degree == 0])
    nodes(t) = count(Returns(true), t)
    alone = (Balmer.our_append, Balmer.our_prepend, Balmer.our_insert, Balmer.our_delete, Balmer.our_operator,
             Balmer.our_feature, Balmer.our_swap, Balmer.our_rotate)
    seen = Set{Any}()
    for _ in 1:300
        before = Balmer.operator_on(Balmer.random_tree(rand(1:4), two), two)
        any(n -> n.degree == 2, before) || (before = Balmer.operator_node(1, before, Balmer.random_leaf(two)))
        for change in alone
            after = change((copy(before), two))
            @test lower!(Workspace(60), after, two)
            nodes(after) != nodes(before) && push!(seen, change)
            change in (Balmer.our_swap, Balmer.our_rotate) && @test leaves(after) == leaves(before)
            change in (Balmer.our_append, Balmer.our_prepend, Balmer.our_insert) && @test nodes(after) > nodes(before)
            change === Balmer.our_delete && @test nodes(after) < nodes(before)
        end
        other = Balmer.random_tree(3, two)
        one, two_ = Balmer.our_crossover((copy(before), copy(other)))
        @test nodes(one) + nodes(two_) == nodes(before) + nodes(other)
        @test sort([leaves(one); leaves(two_)]) == sort([leaves(before); leaves(other)])
    end
    @test seen == Set(alone[1:4])
end

@testset "SymbolicRegression's own changes are used where they can be" begin
    @test Balmer.append_operator !== Balmer.our_append
    # A name that is not there, or takes other arguments, is replaced.
    @test Balmer.theirs(:no_such_change, (f, (t, l)) -> f(t), Balmer.our_swap) === Balmer.our_swap
    @test Balmer.theirs(:swap_operands, (f, (t, l)) -> f(t, l, 1, 2), Balmer.our_swap) === Balmer.our_swap
end
