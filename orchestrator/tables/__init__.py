"""Tables of measurements by two fields: built once, written in many formats."""
