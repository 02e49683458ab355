# Fitting the free constants of a program to the data: Levenberg-Marquardt with exact derivatives.

const MOST_CONSTANTS = 64

"Room for the normal equations of one program. A task needs its own."
struct Fitter
    normal::Matrix{Float64}
    damped::Matrix{Float64}
    gradient::Vector{Float64}
    step::Vector{Float64}
    before::Vector{Float64}
end

Fitter() = Fitter(zeros(MOST_CONSTANTS, MOST_CONSTANTS), zeros(MOST_CONSTANTS, MOST_CONSTANTS), zeros(MOST_CONSTANTS),
                  zeros(MOST_CONSTANTS), zeros(MOST_CONSTANTS))

"""
    fit!(work, fitter, table; max_steps=8) -> (loss, passes)

Change the free constants of the linked program for the better. A step is damped in proportion to the curvature along
each constant (Marquardt 1963), so that the fit does not depend on the constants' units.

Returns the weighted sum of squared residuals and the number of passes over the rows.
"""
function fit!(w::Workspace, f::Fitter, table::Table; max_steps::Int=8)
    k = w.n_constants
    loss = normal_equations!(f.normal, f.gradient, w, table)
    passes = 1
    (k == 0 || !isfinite(loss)) && return loss, passes
    damping = 1e-3
    for _ in 1:max_steps
        for p in 1:k
            f.before[p] = w.values[w.constants[p]]
        end
        improved = false
        for _ in 1:6
            if solve_damped!(f, k, damping)
                for p in 1:k
                    w.values[w.constants[p]] = f.before[p] + f.step[p]
                end
                tried = sum_loss!(w, table, loss)
                passes += 1
                if tried < loss
                    gain = (loss - tried) / loss
                    loss = tried
                    damping = max(damping / 10, 1e-12)
                    improved = gain > 1e-10
                    improved || return loss, passes
                    break
                end
            end
            damping *= 8
            damping > 1e12 && break
        end
        if !improved
            for p in 1:k
                w.values[w.constants[p]] = f.before[p]
            end
            return loss, passes
        end
        renewed = normal_equations!(f.normal, f.gradient, w, table)
        passes += 1
        isfinite(renewed) || return loss, passes
    end
    return loss, passes
end

"Solve (N + damping diag(N)) step = -gradient by Cholesky; false where the matrix is not positive."
function solve_damped!(f::Fitter, k::Int, damping::Float64)
    A = f.damped
    @inbounds for p in 1:k
        for q in 1:p
            A[p, q] = f.normal[p, q]
        end
        A[p, p] += damping * A[p, p] + floatmin(Float64)
        f.step[p] = -f.gradient[p]
    end
    @inbounds for p in 1:k
        for q in 1:p
            total = A[p, q]
            for r in 1:(q - 1)
                total -= A[p, r] * A[q, r]
            end
            if p == q
                (total > 0 && isfinite(total)) || return false
                A[p, p] = sqrt(total)
            else
                A[p, q] = total / A[q, q]
            end
        end
    end
    @inbounds for p in 1:k
        for q in 1:(p - 1)
            f.step[p] -= A[p, q] * f.step[q]
        end
        f.step[p] /= A[p, p]
    end
    @inbounds for p in k:-1:1
        for q in (p + 1):k
            f.step[p] -= A[q, p] * f.step[q]
        end
        f.step[p] /= A[p, p]
    end
    return all(isfinite, view(f.step, 1:k))
end
