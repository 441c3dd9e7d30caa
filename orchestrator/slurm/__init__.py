"""What is known of SLURM: its commands, its limits, its words. Nothing else here runs them."""
