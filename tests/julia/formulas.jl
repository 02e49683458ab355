# Formulas in postfix for the tests of dimensions: symbols are features, strings operators, integers exact, floats free.

const LENGTH, MASS, TIME = ([Float64(i == base) for i in 1:8] for base in 1:3)
const PURE = zeros(8)

# Two lengths, a time and a mass.
const FEATURES = [:l, :d, :t, :m]
const FEATURE_UNITS = [LENGTH, LENGTH, TIME, MASS]

code_of(name) = only(code for (code, (n, _)) in Balmer.OPERATORS if n == name)

"Opcodes, arguments and values."
function postfix(tokens...)
    ops, args, values = Int16[], Int16[], Float64[]
    for token in tokens
        push!(ops, token isa Symbol ? 2 : token isa Integer ? 1 : token isa Float64 ? 0 : code_of(token))
        push!(args, token isa Symbol ? findfirst(==(token), FEATURES) - 1 : 0)
        push!(values, token isa Number ? token : 0.0)
    end
    return ops, args, values
end

"What our check says of a formula whose value must have the dimension `target`."
check(target, tokens...; constants=:free) =
    Balmer.check_dimensions(postfix(tokens...)..., Balmer.UnitSystem(FEATURE_UNITS, target; constants))
