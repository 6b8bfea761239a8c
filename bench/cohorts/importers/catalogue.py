"""The benchmark's own importers."""

from bench.cohorts.importers.importer import ImporterSpec

_HERE = "bench.cohorts.importers"
_SPECS = (
    ImporterSpec("dicom", f"{_HERE}.dicom.exams:DicomImporter", "DICOM studies and a table of labels"),
    ImporterSpec("table", f"{_HERE}.table:TableImporter", "A feature table of your own, without images"),
    ImporterSpec(
        "duke", f"{_HERE}.duke:DukeImporter", "Duke-Breast-Cancer-MRI: sheet, boxes, DICOM or NIfTI"
    ),
    ImporterSpec("mama-mia", f"{_HERE}.mama_mia:MamaMiaImporter", "MAMA-MIA: sheet, images, segmentations"),
    ImporterSpec(
        "tcia", f"{_HERE}.tcia:TciaImporter", "A collection downloaded from TCIA: DICOM, metadata.csv"
    ),
    ImporterSpec("ispy2", f"{_HERE}.ispy2:Ispy2Importer", "I-SPY 2: sheet and DICOM of the first visit"),
    ImporterSpec(
        "breastdcedl", f"{_HERE}.breastdcedl:BreastDcedlImporter", "BreastDCEDL: metadata and NIfTI"
    ),
    ImporterSpec("odelia", f"{_HERE}.odelia:OdeliaImporter", "ODELIA challenge 2025: breasts as NIfTI"),
    ImporterSpec("ispy1", f"{_HERE}.ispy1:Ispy1Importer", "I-SPY 1: sheet and feature table"),
)
IMPORTERS = {spec.name: spec for spec in _SPECS}
