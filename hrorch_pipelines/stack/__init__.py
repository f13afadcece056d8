"""What the user declares: systems, data types, authority, gates, matching, people. Checked as a whole at load."""
