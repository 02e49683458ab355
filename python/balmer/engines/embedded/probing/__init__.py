"""Structure probes of the embedded engine: which separations, symmetries and compositions a table or a function shows."""
