"""Studies about studies: quality of a cohort, alterations of known strength, memorisation."""
