"""What the operator costs, measured on real servers against the least that could be done. Run as modules."""
