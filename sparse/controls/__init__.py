"""Dense networks to compare with: narrower ones, and ones of equal capacity."""
