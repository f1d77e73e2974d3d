"""A trained network over a split -> predictions, tables, comparisons and error analysis."""
