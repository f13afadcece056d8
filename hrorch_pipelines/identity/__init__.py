"""Match: the same person across systems, with evidence and without coin tosses."""
