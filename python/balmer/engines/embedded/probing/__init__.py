"""Structure probes of the embedded engine: which separations, symmetries and compositions are there."""

from balmer.engines.embedded.probing.exact import probe_function
from balmer.engines.embedded.probing.parts import Surrogates
from balmer.engines.embedded.probing.probe import probe_data

__all__ = ["Surrogates", "probe_data", "probe_function"]
