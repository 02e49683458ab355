"""Writes the example tables, real measurements with their units and sources, into examples/data."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa

from balmer.data import annotate, write_table


def main(folder: Path) -> None:
    """Write every table into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for make in (hydrogen, planets, hubble):
        write_table(make(), folder / f"{make.__name__}.parquet")


def hydrogen() -> pa.Table:
    """The visible lines of atomic hydrogen, from which Balmer found his formula in 1885."""
    lines = {3: 656.279, 4: 486.135, 5: 434.0472, 6: 410.1734, 7: 397.0075, 8: 388.9064, 9: 383.5397}
    return annotate(
        pa.table({"n": list(lines), "lambda": list(lines.values())}),
        units={"n": "1", "lambda": "nm"},
        roles={"n": "feature", "lambda": "target"},
        descriptions={
            "n": "principal quantum number of the upper level; the lower level is 2",
            "lambda": "wavelength of the line in air",
        },
        name="hydrogen",
        description="The Balmer series of hydrogen, from H-alpha (n = 3) to H-eta (n = 9)",
        source="NIST Atomic Spectra Database, H I, observed wavelengths in air, "
        "https://physics.nist.gov/asd (Kramida et al.)",
    )


def planets() -> pa.Table:
    """The orbits of the eight planets, which obey Kepler's third law."""
    orbits = {
        "Mercury": (0.38709893, 87.969),
        "Venus": (0.72333199, 224.701),
        "Earth": (1.00000011, 365.256),
        "Mars": (1.52366231, 686.980),
        "Jupiter": (5.20336301, 4332.589),
        "Saturn": (9.53707032, 10759.22),
        "Uranus": (19.19126393, 30685.4),
        "Neptune": (30.06896348, 60189.0),
    }
    return annotate(
        pa.table(
            {
                "planet": list(orbits),
                "a": [a for a, _ in orbits.values()],
                "T": [period for _, period in orbits.values()],
            }
        ),
        units={"a": "AU", "T": "day"},
        roles={"planet": "ignore", "a": "feature", "T": "target"},
        descriptions={
            "planet": "name of the planet",
            "a": "semi-major axis of the orbit (mean elements, J2000)",
            "T": "sidereal period of the orbit",
        },
        name="planets",
        description="Size and period of the orbits of the eight planets of the Sun",
        source="NASA Planetary Fact Sheets, https://nssdc.gsfc.nasa.gov/planetary/factsheet/; "
        "mean orbital elements (J2000) and sidereal orbit periods",
    )


def hubble() -> pa.Table:
    """The nebulae from which Hubble read the expansion of the universe in 1929."""
    nebulae = [
        ("SMC", 0.032, 170),
        ("LMC", 0.034, 290),
        ("NGC 6822", 0.214, -130),
        ("NGC 598", 0.263, -70),
        ("NGC 221", 0.275, -185),
        ("NGC 224", 0.275, -220),
        ("NGC 5457", 0.45, 200),
        ("NGC 4736", 0.5, 290),
        ("NGC 5194", 0.5, 270),
        ("NGC 4449", 0.63, 200),
        ("NGC 4214", 0.8, 300),
        ("NGC 3031", 0.9, -30),
        ("NGC 3627", 0.9, 650),
        ("NGC 4826", 0.9, 150),
        ("NGC 5236", 0.9, 500),
        ("NGC 1068", 1.0, 920),
        ("NGC 5055", 1.1, 450),
        ("NGC 7331", 1.1, 500),
        ("NGC 4258", 1.4, 500),
        ("NGC 4151", 1.7, 960),
        ("NGC 4382", 2.0, 500),
        ("NGC 4472", 2.0, 850),
        ("NGC 4486", 2.0, 800),
        ("NGC 4649", 2.0, 1090),
    ]
    objects, distances, velocities = (list(column) for column in zip(*nebulae, strict=True))
    return annotate(
        pa.table({"object": objects, "r": distances, "v": pa.array(velocities, pa.float64())}),
        units={"r": "Mpc", "v": "km/s"},
        roles={"object": "ignore", "r": "feature", "v": "target"},
        descriptions={
            "object": "name of the nebula",
            "r": "distance, as Hubble knew it",
            "v": "measured radial velocity, not corrected for the motion of the Sun",
        },
        name="hubble",
        description="Distances and radial velocities of 24 extra-galactic nebulae",
        source="E. Hubble, A relation between distance and radial velocity among extra-galactic nebulae, "
        "PNAS 15, 168 (1929), Table 1",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data")
