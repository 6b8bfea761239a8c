"""DICOM studies as a cohort: files named anyhow, sorted by what their headers say."""
