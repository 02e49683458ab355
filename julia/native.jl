# Balmer from Julia alone: a table in, formulas out.

"A formula of the front: its complexity, its loss, and the program; `string` gives it as text, `predict` its values."
struct Formula
    complexity::Int
    loss::Float64
    program::Program
    names::Vector{String}
end

"""
    search(X, y; operators, seconds=60, ...) -> Vector{Formula}

Formulas for `y` that no simpler one beats, simplest first.

- `X`: a row per feature, a column per data row; `y`: the target of every data row.
- `weights`: of the data rows; 1 if not given. The loss is the weighted mean of squared residuals.
- `operators`: names from the operator table, `Balmer.NAMES`.
- `names`: of the features.
- `units`: a `UnitSystem`; only formulas that hold dimensionally are returned. Without it units are ignored.
- `max_complexity`, `max_depth`, `max_constants`: a free constant counts 2, every other node 1.
- `seconds`, `evaluations`, `target_loss`: the search ends with whichever comes first.
- `seed`: with a budget in evaluations one seed gives one result on any number of threads.
- `progress`: called with the search twice a second; returning `true` ends it.

Ctrl-C ends the search and returns what was found. Throws an `ArgumentError` for an operator that is not in the table and
for arrays that do not fit one another.

# Example

```julia
x = collect(1.0:0.1:5.0)
Balmer.search(x', 2.5 .* x .^ 2; operators=["add", "mul", "square"], evaluations=20_000)
```
"""
function search(X::AbstractMatrix, y::AbstractVector; weights=nothing,
                operators=["add", "sub", "mul", "div", "square", "sqrt", "exp", "log", "sin", "cos"],
                names=["x$i" for i in axes(X, 1)], units=nothing, max_complexity=30, max_depth=12, max_constants=10,
                seconds=60.0, evaluations=typemax(Int), target_loss=-1.0, seed=0, threads=Threads.nthreads(), islands=16,
                strategy=Strategy(), progress=nothing)
    columns = permutedims(Matrix{Float64}(X))
    given = weights === nothing ? ones(length(y)) : Vector{Float64}(weights)
    table = Table(columns, Vector{Float64}(y), given ./ sum(given))
    codes = map(opcode, operators)
    language = Language([c for c in codes if ARITY[c + 1] == 1], [c for c in codes if ARITY[c + 1] == 2], size(X, 1), [])
    cost = ones(Int, length(ARITY))
    cost[CONSTANT + 1] = 2
    baseline = max(variance(table), floatmin(Float64))
    asked = Asked(table, language, Limits(cost, max_complexity, max_depth, max_constants), units,
                  units === nothing ? :ignore : :forbid, 1.0, baseline)
    running = begin_search(asked, strategy,
                           Budget(; evaluations, seconds, target_loss, floor=1e-29 * sum(table.weights .* table.y .^ 2),
                                  interpolation=length(y)); seed, threads, n_islands=islands)
    watch(running, progress)
    return front(running, String.(names))
end

function watch(running::Search, progress)
    try
        while advance!(running, 0.5)
            progress !== nothing && progress(running) === true && stop!(running, :interrupted)
        end
    catch error
        error isa InterruptException || rethrow()
        stop!(running, :interrupted)
        wait(running.task)
    end
end

function variance(table::Table)
    mean = sum(table.weights .* table.y)
    return sum(table.weights .* (table.y .- mean) .^ 2)
end

"The formulas of the archive that no simpler one beats."
function front(search::Search, names)
    formulas = Formula[]
    lock(search.turn) do
        for complexity in axes(search.archive.loss, 1)
            loss, k = findmin(view(search.archive.loss, complexity, :))
            if loss < (isempty(formulas) ? Inf : formulas[end].loss)
                push!(formulas, Formula(complexity, loss, search.archive.program[complexity, k], names))
            end
        end
    end
    return formulas
end

"Values of the formula for `X`, which has a row per feature."
predict(f::Formula, X::AbstractMatrix) = evaluate(f.program.ops, f.program.args, f.program.values, X)

function Base.string(f::Formula)
    stack = String[]
    for (op, arg, value) in zip(f.program.ops, f.program.args, f.program.values)
        if op <= LITERAL
            push!(stack, string(value))
        elseif op == VARIABLE
            push!(stack, f.names[arg + 1])
        elseif ARITY[op + 1] == 1
            push!(stack, NAMES[op + 1] * "(" * pop!(stack) * ")")
        else
            second, first = pop!(stack), pop!(stack)
            sign = get(SIGNS, NAMES[op + 1], nothing)
            push!(stack, sign === nothing ? "$(NAMES[op + 1])($first, $second)" : "($first $sign $second)")
        end
    end
    return only(stack)
end

const SIGNS = Dict("add" => "+", "sub" => "-", "mul" => "*", "div" => "/", "pow" => "^")

Base.show(io::IO, f::Formula) = print(io, "Formula(", f.complexity, ", ", f.loss, ", ", string(f), ")")
