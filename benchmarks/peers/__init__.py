"""Hand-written peers: what a competent researcher would write without sparsesweep."""
