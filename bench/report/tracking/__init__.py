"""Records of a store as the files of trackers of experiments, written without any of their services."""
