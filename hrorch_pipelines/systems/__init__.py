"""How to talk to a system: rest, files, sql, scim. What arrives here is raw; `mapping` makes it canonical."""
