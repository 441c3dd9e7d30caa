"""Report: one HTML file that tells what a grid asked, what came out, and how to get it again."""
