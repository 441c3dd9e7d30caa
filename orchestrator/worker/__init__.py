"""The worker: one pack from its manifest to its records. The only door to the trainer."""
