"""The commands of `sparsesweep`, one module per group. What they do lives beside this folder."""
