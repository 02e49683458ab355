# A small search of each kind, run when the package is compiled, so that a user's first search need not compile.

function rehearse()
    x = collect(1.0:0.5:8.0)
    arrays = Dict{String,Vector}(
        "X" => [x; x .^ 2], "y" => 2.5 .* x .^ 2, "weights" => fill(1 / length(x), length(x)),
        "operators" => [opcode(name) for name in ("add", "sub", "mul", "div", "square", "sqrt", "exp", "sin")],
        "cost" => ones(Int64, length(ARITY)), "literals" => [1.0], "arities" => Int64[1],
        "start_ops" => Int16[0, 2, opcode("mul")], "start_args" => Int16[0, 0, 0], "start_values" => [1.0, 0.0, 0.0],
        "start_lengths" => Int64[3],
        "custom_ops" => Int16[2, opcode("exp"), 1, opcode("add")], "custom_args" => zeros(Int16, 4),
        "custom_values" => [0.0, 0.0, 1.0, 0.0], "custom_lengths" => Int64[4],
        "arguments" => fill(-1, 2 * length(ARITY)), "nested" => [opcode("exp"), opcode("exp"), 0],
        "features" => zeros(16), "target" => zeros(8),
    )
    settings = Dict{String,Any}(
        "n_features" => 2, "min_complexity" => 1, "max_complexity" => 12, "max_depth" => 8, "max_constants" => 3, "seed" => 1, "threads" => 2,
        "islands" => 2, "population" => 27, "tournament" => 15, "crossover" => 0.1, "parsimony_scaling" => 20.0,
        "fit" => 0.1, "fit_steps" => 4, "strength" => 1.0, "baseline" => 1.0, "evaluations" => 2000, "seconds" => 0.0,
        "patience" => 10_000, "target_loss" => -1.0, "floor" => 0.0, "interpolation" => length(x),
    )
    state = Dict{String,Vector}()
    for units in ("ignore", "forbid", "penalise")
        lent = merge(arrays, units == "forbid" ? Dict("state_" * k => v for (k, v) in state) : Dict{String,Vector}())
        asked = request()
        for (name, value) in settings
            set!(asked, name, value)
        end
        set!(asked, "units", units)
        set!(asked, "constants", "free")
        GC.@preserve lent begin
            for (name, array) in lent
                lend!(asked, name, lowercase(string(eltype(array))), Int(pointer(array)), length(array))
            end
            search = start_search(asked)
            while advance!(search, 0.2)
                evaluations(search)
            end
            describe(found(search))
            state = saved(search)
            describe(state)
            node_evaluations(search), reason(search), interrupt!(search)
        end
    end
    string(last(search(x', x; operators=["add", "mul"], evaluations=500, islands=1)))
    rehearse_probe()
    return nothing
end

function rehearse_probe()
    a, b = repeat(1.0:6.0, 5), repeat(1.0:5.0; inner=6)
    probing = start_probe(merge!(request(), Dict("X" => [a; b], "y" => a .* sqrt.(b), "weights" => fill(1 / 30, 30),
                                                 "n_features" => 2, "seed" => 1)))
    while advance!(probing, 0.2)
        fraction(probing)
    end
    describe(found(probing)), kinds(probing), interrupt!(probing)
end
