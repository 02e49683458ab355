"""What physicists write for a unit, where pint knows no such name or knows another thing by it.

pint takes a name for the first prefix and unit that it can be cut into: ``cts`` becomes the carat, ``ph`` the
picohour, ``pct`` the picocarat, ``amin`` the attominute. None of these has ever stood in the head of a table.
"""

from __future__ import annotations

import re

__all__ = ["AMBIGUOUS", "DEFINITIONS", "INSTEAD", "SPELLINGS", "spelt_out"]

DEFINITIONS = (
    # The solar values are the nominal ones of IAU 2015 Resolution B3, as are those of planets (masses with the CODATA
    # 2018 value of G).
    "solar_mass = 1.988409870698051e30 * kilogram = M_sun",
    "solar_luminosity = 3.828e26 * watt = L_sun",
    "solar_radius = 6.957e8 * meter = R_sun",
    "earth_mass = 5.972167867791379e24 * kilogram = M_earth",
    "earth_radius = 6.3781e6 * meter = R_earth",
    "jupiter_mass = 1.8981245973360504e27 * kilogram = M_jup",
    "jupiter_radius = 7.1492e7 * meter = R_jup",
    "jansky = 1e-26 * watt / meter ** 2 / hertz = Jy",
    "gauss_in_si = 1e-4 * tesla",
    "oersted_in_si = 79.57747154594767 * ampere / meter",
    "maxwell_in_si = 1e-8 * weber",
    "franklin_in_si = 3.3356409519815204e-10 * coulomb",
    "statvolt_in_si = 299.792458 * volt",
    "newton_metre_in_si = newton * meter",
    "magnitude = [] = mag",
    "dex = []",
    "photon = []",
    "event = []",
    "counted_pixel = []",
    "counted_thing = []",
    "standard_deviation = []",
    "arbitrary_unit = []",
    "parts_per_billion = 1e-9",
    "hour_angle = 15 * degree",
    "counts_per_minute = count / minute",
)
"""Added to pint's names."""

INSTEAD = {
    # Gaussian units have half powers of mass in pint; read as the SI quantities that they measure, a column in gauss
    # and one in tesla agree.
    "gauss": "gauss_in_si",
    "oersted": "oersted_in_si",
    "maxwell": "maxwell_in_si",
    "franklin": "franklin_in_si",
    "statvolt": "statvolt_in_si",
    "pixel": "counted_pixel",  # a count, not a length on paper
    "number_meter": "newton_metre_in_si",  # 'Nm' is no measure of yarn
    "particle": "counted_thing",  # not 1/N_A mol: a density of particles is one of numbers
    "point": "counted_thing",
}
"""What is meant by a unit of pint's, prefix or not."""

_OF = {
    "astronomical_unit": "AU",
    "angstrom": "Angstrom Ang ang AA",
    "gauss": "Gauss",
    "kelvin": "Kelvin",
    "ohm": "Ohm Ohms ohms",
    "torr": "Torr",
    "gram": "gm gms",
    "light_year": "lyr",
    "M_sun": "Msun solMass solmass",
    "L_sun": "Lsun solLum sollum",
    "R_sun": "Rsun solRad solrad",
    "M_earth": "Mearth earthMass",
    "R_earth": "Rearth earthRad",
    "M_jup": "Mjup jupiterMass",
    "R_jup": "Rjup jupiterRad",
    "degree": "° Deg DEG",
    "degree_Celsius": "°C oC ºC",
    "degree_Fahrenheit": "°F oF ºF",
    "arcminute": "′ ' amin",
    "arcsecond": '″ " asec',
    "milliarcsecond": "mas",
    "microarcsecond": "uas µas μas",
    "hour_angle": "hourangle hourAngle",
    "turn": "rev revs revolution revolutions",
    "hbar": "ħ",
    "hartree": "Ha",
    "thou": "mil mils",  # not the angle
    "percent": "pct",
    "parts_per_billion": "ppb",
    "count": "ct cts cnt cnts",
    "kilocount": "kct kcts",
    "counts_per_minute": "cpm",
    "photon": "ph",
    "event": "evt evts",
    "pixel": "px pix",
    "counted_thing": (
        "adu ADU DN electron electrons molecule molecules molec atom atoms ion ions neutron neutrons proton protons "
        "cell cells channel channels chan ch bin bins frame frames shot shots pt pts unit units"
    ),
    "standard_deviation": "sigma σ sd",
    "arbitrary_unit": "arb arbitrary",
}

SPELLINGS = {word: name for name, words in _OF.items() for word in words.split()}
"""The name to look up for a spelling."""

AMBIGUOUS = {
    "ppt": "parts per trillion (write 10^-12) or per thousand (write ‰)",
    "a.u.": "arbitrary (write 'arb'), astronomical (write 'AU') or atomic units (write 'a0', 'Ha', ...)",
}
"""What may mean more than one thing, with the ways to say which."""

_TEXTS = (
    (re.compile(r"a\.\s*u\.?"), "a.u."),
    (re.compile(r"arb(?:itrary|\.)?[\s._]*(?:units?|u)?\.?", re.IGNORECASE), "arb"),
    (re.compile(r"(?:°|deg(?:rees?|\.)?)[\s._]+(?:C|celsius)", re.IGNORECASE), "°C"),
    (re.compile(r"(?:°|deg(?:rees?|\.)?)[\s._]+(?:F|fahrenheit)", re.IGNORECASE), "°F"),
    (re.compile(r"(?:wt|at|vol|mol|mass)\.?[\s_-]*%"), "%"),
)
_ELECTRON = re.compile(r"(?<![\w.])e-(?![\d.])")  # of detectors, as in 'e-/s'


def spelt_out(text: str) -> str:
    """The text of a unit as the grammar reads it: 'arb. units', 'deg C', 'wt%' and 'e-/s' are no products."""
    plain = text.strip()
    for pattern, instead in _TEXTS:
        if pattern.fullmatch(plain):
            return instead
    return _ELECTRON.sub("electron", plain)
