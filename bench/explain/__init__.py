"""Where stored models look: heat maps and feature tables, how faithful they are, a score on the phantom."""
