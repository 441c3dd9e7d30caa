"""What can be measured of masks, gradients and trained networks: pure functions."""
