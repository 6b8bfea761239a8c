"""What the benchmark asks of fitted methods that say nothing of themselves: gradients, feature tables."""
