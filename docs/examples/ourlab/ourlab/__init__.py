"""What this laboratory adds to sparsesweep: one file for each name that a grid may use."""
