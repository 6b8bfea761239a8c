"""Names that a cohort's cases.csv uses: its fixed columns, the groups, and the roles of the other columns."""

IDENTITY = ("case_id", "patient_id", "site", "group")
# Of a cohort whose cases have one image; cohort.toml may name several, which stand in the place of the first.
FILES = ("image", "mask")
IMAGE, MASK = FILES
GROUPS = ("internal", "external")
ROLES = ("acquisition", "clinical", "ignore")
