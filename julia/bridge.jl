# Where Python comes in and goes out: numbers, texts, and arrays by their address, so that nothing is copied on the way in
# and no code is compiled for Python's own types of arrays.

"What Python asks, by name."
const Request = Dict{String,Any}

const ELEMENTS = Dict("int16" => Int16, "int64" => Int64, "uint64" => UInt64, "float64" => Float64)

request() = Request()

"A number or a text."
function set!(request::Request, name::String, value::Union{Int,Float64,String})
    request[name] = value
    return nothing
end

"""
    lend!(request, name, type, address, length)

An array in Python's memory, which must outlive the search.
"""
function lend!(request::Request, name::String, type::String, address::Int, length::Int)
    request[name] = lent(ELEMENTS[type], address, length)
    return nothing
end

lent(T::DataType, address::Int, length::Int) = unsafe_wrap(Vector{T}, Ptr{T}(address), length)

"""
    start_search(request) -> Search

As `begin_search`. The request holds

- `X` (feature after feature), `y`, `weights` (factors of the squared residuals), `n_features`;
- `operators` (opcodes), `cost` (complexity of a node by opcode, then by feature), `literals` (exact numbers in start formulas),
  `min_complexity`, `max_complexity`, `max_depth`, `max_constants`;
- `arguments`, `nested`: the matrices of `Constraints`, column by column;
- `start_` and `custom_` followed by `ops`, `args`, `values`, `lengths`: formulas one after the other; `arities` of the customs;
- `units` (`ignore`, `forbid`, `penalise`), `features` (8 exponents of each, one feature after the other), `target`, `strength`;
- `seed`, `threads`, `islands`, and the settings of `Strategy`;
- `baseline`, `evaluations`, `seconds`, `patience` (0 for no limit), `target_loss`, `floor`, `interpolation`;
- the arrays of `saved` with `state_` before their names, if a search goes on.
"""
function start_search(r::Request)
    y = r["y"]::Vector{Float64}
    n_features = r["n_features"]::Int
    table = Table(reshape(r["X"]::Vector{Float64}, length(y), n_features), y, r["weights"]::Vector{Float64})
    codes = r["operators"]::Vector{Int16}
    language = Language([c for c in codes if ARITY[c + 1] == 1], [c for c in codes if ARITY[c + 1] == 2], n_features,
                        copy(r["literals"]::Vector{Float64}))
    constraints = Constraints(reshape(copy(r["arguments"]::Vector{Int}), 2, :), reshape(copy(r["nested"]::Vector{Int}), 3, :))
    limits = Limits(copy(r["cost"]::Vector{Int}), r["max_complexity"]::Int, r["max_depth"]::Int, r["max_constants"]::Int;
                    min_complexity=r["min_complexity"]::Int, constraints)
    mode = Symbol(r["units"]::String)
    baseline = max(r["baseline"]::Float64, floatmin(Float64))
    asked = Asked(table, language, limits, mode === :ignore ? nothing : unit_system(r), mode, r["strength"]::Float64, baseline)
    strategy = Strategy(; (name => r[String(name)] for name in fieldnames(Strategy) if haskey(r, String(name)))...)
    budget = Budget(; evaluations=or_no_limit(r["evaluations"]::Int), seconds=or_no_limit(r["seconds"]::Float64),
                    patience=or_no_limit(r["patience"]::Int), target_loss=r["target_loss"]::Float64, floor=r["floor"]::Float64, interpolation=r["interpolation"]::Int)
    state = Dict{String,Vector}(name[7:end] => value for (name, value) in r if startswith(name, "state_"))
    return begin_search(asked, strategy, budget; seed=r["seed"]::Int, threads=r["threads"]::Int, n_islands=r["islands"]::Int,
                        starts=programs(r, "start_"), customs=Custom.(programs(r, "custom_"), r["arities"]::Vector{Int}),
                        state=isempty(state) ? nothing : state)
end

or_no_limit(number::Int) = number == 0 ? typemax(Int) : number
or_no_limit(number::Float64) = number == 0 ? Inf : number

programs(arrays, prefix) = unpack((arrays[prefix * part] for part in ("ops", "args", "values", "lengths"))...)

function unit_system(r::Request)
    exponents = reshape(r["features"]::Vector{Float64}, 8, :)
    return UnitSystem([Tuple(exponents[:, i]) for i in axes(exponents, 2)], Tuple(r["target"]::Vector{Float64});
                      constants=Symbol(r["constants"]::String))
end

"""
    found(search) -> Dict

The archive: the best formula of each complexity and number of constants, as `ops`, `args`, `values`, `lengths` and `loss`.
"""
function found(search::Search)
    return lock(search.turn) do
        kept = findall(isfinite, search.archive.loss)
        arrays_of(pack(search.archive.program[kept]), "", "loss" => search.archive.loss[kept])
    end
end

"Name, type, address and length of each array, a line each: Python copies them from there."
function describe(arrays::Dict{String,Vector})
    line(name, a) = "$name $(lowercase(string(eltype(a)))) $(UInt(pointer(a))) $(length(a))"
    return join((line(name, arrays[name]) for name in sort!(collect(keys(arrays)))), "\n")
end

node_evaluations(search::Search) = sum(island -> island.judge.node_evaluations, search.islands)
reason(search::Search) = String(search.stopped)
interrupt!(search::Search) = stop!(search, :interrupted)

"Collect what a search has left, lest many searches in one process let the heap grow before the collector finds it worth it."
sweep() = GC.gc(true)
