"""Contours of a structure set to voxels with scikit-image, as other programs do it."""

import numpy as np
import pydicom
from skimage.draw import polygon2mask


def masks(path, affine_ras, shape_xyz):
    """The mask of each region by name, `[i, j, k]`: the contours of a slice exclude each other."""
    index_from_ras = np.linalg.inv(affine_ras)
    structures = pydicom.dcmread(path)
    names = {int(roi.ROINumber): roi.ROIName for roi in structures.StructureSetROISequence}
    found = {name: np.zeros(shape_xyz, bool) for name in names.values()}
    for roi in structures.ROIContourSequence:
        mask = found[names[int(roi.ReferencedROINumber)]]
        for contour in roi.get("ContourSequence", []):
            lps = np.array(contour.ContourData, float).reshape(-1, 3)
            ijk = lps * [-1, -1, 1] @ index_from_ras[:3, :3].T + index_from_ras[:3, 3]
            slices = np.unique(np.round(ijk[:, 2]))
            assert len(slices) == 1, f"{path}: a contour across slices"
            assert np.abs(ijk[:, 2] - slices[0]).max() < 0.02, f"{path}: off its slice"
            mask[:, :, int(slices[0])] ^= polygon2mask(shape_xyz[:2], ijk[:, :2])
    return found
