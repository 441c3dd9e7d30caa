"""One pack of cells in, outcomes out: data, models, engines, the training loop."""
