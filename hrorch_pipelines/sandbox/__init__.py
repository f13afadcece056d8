"""A whole HR stack to try the product against: six systems, mail and a calendar over real protocols, with planted, labelled faults."""
