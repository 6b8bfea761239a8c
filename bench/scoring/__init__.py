"""From predictions to scores with intervals, comparisons, sites and subtypes."""
