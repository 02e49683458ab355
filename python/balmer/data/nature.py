"""Constants of nature as columns: the same number in every row, with its unit (CODATA, through SciPy)."""

from __future__ import annotations

from scipy.constants import value

from balmer.errors import DataError

__all__ = ["NATURE", "nature"]

NATURE = {
    "c": ("speed of light in vacuum", "m/s"),
    "h": ("Planck constant", "J*s"),
    "hbar": ("reduced Planck constant", "J*s"),
    "k_B": ("Boltzmann constant", "J/K"),
    "G": ("Newtonian constant of gravitation", "m^3/(kg*s^2)"),
    "e": ("elementary charge", "C"),
    "epsilon_0": ("vacuum electric permittivity", "F/m"),
    "mu_0": ("vacuum mag. permeability", "N/A^2"),
    "m_e": ("electron mass", "kg"),
    "m_p": ("proton mass", "kg"),
    "N_A": ("Avogadro constant", "1/mol"),
    "R": ("molar gas constant", "J/(mol*K)"),
    "sigma_SB": ("Stefan-Boltzmann constant", "W/(m^2*K^4)"),
}
"""By symbol: the name in CODATA, and the unit in which its value is taken."""


def nature(symbol: str) -> tuple[float, str, str]:
    """Value, unit and name of a constant.

    Raises
    ------
    DataError
        If there is no constant of that symbol.
    """
    if symbol not in NATURE:
        raise DataError(f"{symbol!r} is no constant of nature known here; accepted are {', '.join(NATURE)}")
    name, unit = NATURE[symbol]
    return value(name), unit, name
