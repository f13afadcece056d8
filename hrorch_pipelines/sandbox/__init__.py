"""A whole HR stack to try the product against: six systems over real protocols, with planted, labelled faults."""
