"""What a trained network has left, cut out as a smaller dense one."""
