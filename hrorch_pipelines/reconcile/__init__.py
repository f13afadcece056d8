"""Compare: discrepancies and their causes, landings, the rates and the headcount bridge."""
