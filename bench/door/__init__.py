"""What ``import bench`` offers a notebook or a script: the sentence as functions of values."""
