"""The world: coherent, deterministic, and wrong only where it says so."""
