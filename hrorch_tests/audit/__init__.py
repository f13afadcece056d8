"""Prove: the chain, its proof, its seals, what was observed."""
