"""What the networks share: encoders, heads, losses, training."""
