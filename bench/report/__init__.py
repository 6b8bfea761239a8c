"""Tables of scores, with their titles, flags and notes."""
