"""Show: discrepancies, metrics, bridge, explanation; as table, CSV, XLSX, HTML, JSON."""
