"""The report as one HTML page and as figures of a journal: it draws values, and computes none."""
