from pathlib import Path

import numpy as np
import SimpleITK as sitk

from bench.cohorts.folder import load_folder
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop
from bench.imaging.nifti import open_nifti
from bench.imaging.volume import read_volume


def test_lesions_of_real_exams_keep_their_volume_and_place(real_data: Path) -> None:
    cohort = load_folder(real_data / "breastdcedl")
    ratios, brighter = [], []
    for case_id in cohort.case_ids[::20]:
        row = cohort.files.loc[case_id]
        image, mask, _ = cut_crop(
            case_id, cohort.folder / row["image"], cohort.folder / row["mask"], Crop(96, 1.5)
        )
        volume = cohort.volume(case_id)
        voxels = np.count_nonzero(sitk.GetArrayViewFromImage(volume.mask))
        ratios.append(mask.sum() * 1.5**3 / (voxels * np.prod(volume.mask.GetSpacing())))
        brighter.append(image[mask > 0].mean() > image[mask == 0].mean())
    assert 0.92 < np.median(ratios) < 1.05  # single pixels of the derived masks slip between the voxels
    assert np.mean(brighter) > 0.9  # the masks are the pixels that enhance most


def test_the_nrrd_exams_of_pyradiomics_are_cropped(real_data: Path) -> None:
    folder = real_data / "reference" / "pyradiomics"
    for name in ("breast1", "brain1", "brain2"):
        files = folder / f"{name}_image.nrrd", folder / f"{name}_label.nrrd"
        image, mask, distance = cut_crop(name, *files, Crop(96, 1.0))
        volume = read_volume(name, *files)
        voxels = np.count_nonzero(sitk.GetArrayViewFromImage(volume.mask))
        expected = voxels * np.prod(volume.mask.GetSpacing())
        assert abs(mask.sum() / expected - 1) < 0.15
        assert np.isfinite(image).all() and np.isfinite(distance).all()


def test_real_nifti_files_lie_where_simpleitk_says(real_data: Path) -> None:
    for path in sorted((real_data / "breastdcedl").rglob("*.nii.gz"))[::50]:
        plain, image = open_nifti(path), sitk.ReadImage(str(path))
        np.testing.assert_array_equal(
            plain.data.read(np.zeros(3, int), plain.grid.size), sitk.GetArrayFromImage(image)
        )
        far = [length - 1 for length in image.GetSize()]
        np.testing.assert_allclose(
            plain.grid.points(np.array([far]))[0], image.TransformIndexToPhysicalPoint(far), atol=1e-3
        )
