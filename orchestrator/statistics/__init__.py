"""Mathematics of measurements: summaries, tests and corrections. Pure; knows no store."""
