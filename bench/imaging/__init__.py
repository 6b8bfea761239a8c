"""From files to crops: reading, geometry, the crop, intensity, regions and the crop cache."""

# Raised whenever the crops of unchanged files change: part of a cached crop's name and of a cell's identity.
PREPROCESSING_VERSION = 2
