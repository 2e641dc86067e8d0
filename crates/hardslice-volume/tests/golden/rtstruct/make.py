"""Makes structure sets on the golden oblique series, and the masks that other programs find in them.

    pip install pydicom==3.0.2 numpy==2.4.6 scikit-image==0.26.0 rt-utils==1.2.7
    python make.py

`expected.json` holds, for each file and region, the mask in the series' own order (columns fastest,
then rows, slices by their positions), as the places of its pixels. It is scikit-image's (`polygon2mask`,
the contours of a slice exclude each other), as dcmrtstruct2nii has it. No centre lies within 0.01 pixels
of a contour that is drawn here. Of rt-utils, whose contours run from centre to centre, it is the mask
that was given to it. pydicom's own `rtstruct.dcm` belongs to no series: its masks lie on a grid of
30 x 25 x 10 mm.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom
import rt_utils
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[4] / "tools/formats"))
import contours  # noqa: E402

SERIES = HERE.parent / "dicom/oblique"
expected = {}


def uid(*names):
    return generate_uid(entropy_srcs=["hardslice golden rtstruct", *map(str, names)])


def sources():
    found = [pydicom.dcmread(path) for path in sorted(SERIES.glob("*.dcm"))]
    orientation = np.array(found[0].ImageOrientationPatient, float)
    normal = np.cross(orientation[:3], orientation[3:])
    return sorted(found, key=lambda ds: np.dot(normal, np.array(ds.ImagePositionPatient, float)))


SOURCES = sources()
SHAPE = (SOURCES[0].Columns, SOURCES[0].Rows, len(SOURCES))


def affine_ras(spacing):
    first, last = SOURCES[0], SOURCES[-1]
    orientation = np.array(first.ImageOrientationPatient, float)
    row_mm, column_mm = map(float, spacing)
    begin, end = (np.array(ds.ImagePositionPatient, float) for ds in (first, last))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = orientation[:3] * column_mm, orientation[3:] * row_mm
    affine[:3, 2], affine[:3, 3] = (end - begin) / (len(SOURCES) - 1), begin
    return np.diag([-1, -1, 1, 1]) @ affine


AFFINE = affine_ras(SOURCES[0].PixelSpacing)


def points(slice_idx, polygon, digits=3):
    """Points of a slice, by column and row, in DICOM's axes."""
    ijk = np.column_stack([polygon, np.full(len(polygon), slice_idx)])
    lps = (ijk @ AFFINE[:3, :3].T + AFFINE[:3, 3]) * [-1, -1, 1]
    return [f"{v:.{digits}f}" for v in lps.ravel()]


def write(name, regions, implicit=True, change=None, syntax=None):
    """`regions`: name to a list of (slice, polygon or coordinates as text, kind)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    meta.MediaStorageSOPInstanceUID = uid(name)
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("implementation")
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.StructureSetLabel = "RTSTRUCT", name
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.FrameOfReferenceUID = SOURCES[0].FrameOfReferenceUID
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    for number, (region, drawn) in enumerate(regions.items(), 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName = number, region
        roi.ReferencedFrameOfReferenceUID = SOURCES[0].FrameOfReferenceUID
        ds.StructureSetROISequence.append(roi)
        item = Dataset()
        item.ReferencedROINumber = number
        item.ContourSequence = []
        for slice_idx, polygon, kind in drawn:
            contour = Dataset()
            contour.ContourGeometricType = kind
            contour.ContourData = points(slice_idx, polygon)
            contour.NumberOfContourPoints = len(polygon)
            item.ContourSequence.append(contour)
        if not drawn:
            del item.ContourSequence
        ds.ROIContourSequence.append(item)
    if change:
        change(ds)
    path = HERE / f"{name}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def expect(path, affine=AFFINE, shape=SHAPE):
    masks = contours.masks(path, affine, shape)
    expected[path.stem] = {
        name: np.flatnonzero(mask.ravel(order="F")).tolist() for name, mask in masks.items()}
    return masks


def off_centres(polygon):
    """Whether no centre lies near an edge."""
    polygon = np.asarray(polygon)
    grid = np.stack(np.meshgrid(np.arange(-1, SHAPE[0] + 1), np.arange(-1, SHAPE[1] + 1)), -1)
    for a, b in zip(polygon, np.roll(polygon, -1, 0)):
        if np.allclose(a, b):
            continue
        share = np.clip(((grid - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
        nearest = a + share[..., None] * (b - a)
        if np.linalg.norm(nearest - grid, axis=-1).min() < 0.01:
            return False
    return True


def star(rng, centre, radius):
    """A polygon that does not cross itself, and is not convex."""
    while True:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 12)))
        radii = radius * rng.uniform(0.4, 1, len(angles))
        polygon = np.asarray(centre) + np.column_stack([np.cos(angles), np.sin(angles)]) * radii[:, None]
        if off_centres(polygon):
            return polygon


def drawn():
    rng = np.random.default_rng(5)
    closed = "CLOSED_PLANAR"
    # Several a slice, reaching out of it; every slice in turn.
    liver = [(k, star(rng, (2.5, 2.5), 3.5), closed) for k in range(5)]
    liver += [(k, star(rng, (5, 4), 2), closed) for k in (1, 3)]
    ring = [(2, [[0.2, 0.3], [6.3, 0.3], [6.3, 5.4], [0.2, 5.4]], closed),
            (2, [[1.6, 1.4], [4.4, 1.4], [4.4, 3.7], [1.6, 3.7]], closed),
            (2, [[2.3, 1.7], [3.6, 1.7], [3.6, 2.4], [2.3, 2.4]], closed)]
    xor = [(k, polygon, "CLOSEDPLANAR_XOR") for k, polygon, _ in ring]
    ring[1] = (*ring[1][:2], "INTERPOLATED_PLANAR")
    keyhole = [(1, [[0.2, 0.3], [6.3, 0.3], [6.3, 5.4], [0.2, 5.4], [0.2, 2.6], [1.6, 2.6], [1.6, 3.7],
                    [4.4, 3.7], [4.4, 1.4], [1.6, 1.4], [1.6, 2.6], [0.2, 2.6]], closed)]
    gap = [(0, star(rng, (3, 3), 2.5), closed), (3, star(rng, (3, 3), 2.5), closed),
           (1, [[2.3, 2.3]], "POINT"), (2, [[1.3, 1.3], [4.3, 1.3], [4.3, 4.3]], "OPEN_PLANAR"),
           (4, [[1.3, 1.3], [4.3, 1.3]], closed)]
    regions = {"Liver": liver, "Ring": ring, "Ring XOR": xor, "Schlüsselloch": keyhole}
    for implicit, name in ((True, "drawn"), (False, "drawn_explicit")):
        expect(write(name, regions, implicit))
    path = write("with_gaps", {"Spleen": gap, "PTV": []})
    # scikit-image fills what is no closed contour, too.
    closed_only = {"Spleen": [c for c in gap if c[2] == closed and len(c[1]) > 2], "PTV": []}
    only = write("closed", closed_only)
    expect(only)
    only.unlink()
    expected[path.stem] = expected.pop(only.stem)


def refused():
    square = [[1.3, 1.3], [4.3, 1.3], [4.3, 4.3]]
    closed = "CLOSED_PLANAR"
    write("between_slices", {"Liver": [(1, square, closed), (2.4, square, closed)]})
    write("outside", {"Liver": [(5, square, closed)]})
    write("beside", {"Liver": [(2, np.array(square) + 20, closed)]})

    def tilted(ds):
        contour = ds.ROIContourSequence[0].ContourSequence[0]
        contour.ContourData[2] = float(contour.ContourData[2]) + 3

    def of_another(ds):
        ds.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = uid("another")

    def miscounted(ds):
        ds.ROIContourSequence[0].ContourSequence[0].NumberOfContourPoints = 4

    def incomplete(ds):
        contour = ds.ROIContourSequence[0].ContourSequence[0]
        contour.ContourData = contour.ContourData[:8]
        del contour.NumberOfContourPoints

    def of_no_kind(ds):
        ds.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = "CLOSED_NONPLANAR"

    for change in (tilted, of_another, miscounted, incomplete, of_no_kind):
        write(change.__name__, {"Liver": [(2, square, closed)]}, change=change)


def of_rt_utils():
    """From masks, whose borders it traces from centre to centre; on square pixels, as it takes rows for
    columns in others."""
    square = (0.8, 0.8)
    with tempfile.TemporaryDirectory() as folder:
        for k, source in enumerate(SOURCES):
            source = source.copy()
            source.PixelSpacing = list(square)
            source.save_as(f"{folder}/{k}.dcm")
        builder = rt_utils.RTStructBuilder.create_new(folder)
        slices = [np.dot(np.cross(np.array(ds.ImageOrientationPatient[:3], float),
                                  np.array(ds.ImageOrientationPatient[3:], float)),
                         np.array(ds.ImagePositionPatient, float)) for ds in builder.series_data]
        masks = {}
        for name, (rows, columns) in {"Liver": (slice(0, 4), slice(1, 6)), "Spleen": (slice(2, 6), slice(3, 7))}.items():
            mask = np.zeros((SHAPE[1], SHAPE[0], SHAPE[2]), bool)
            mask[rows, columns, 1:4] = True
            if name == "Spleen":
                mask[2, 3] = False  # a corner
            builder.add_roi(mask=mask, name=name, color=[1, 2, 3])
            order = np.argsort(slices)
            masks[name] = mask[..., order].transpose(1, 0, 2)
        path = HERE / "rt_utils.dcm"
        ds = builder.ds
        known = {element.value for source in SOURCES for element in source if element.VR == "UI"}
        made = {}

        def fix(_, element):
            """Neither chance nor the clock."""
            if element.VR in ("DA", "TM"):
                element.value = "20200101" if element.VR == "DA" else "120000"
            is_made = element.VR == "UI" and element.value not in known
            if is_made and not element.value.startswith("1.2.840.10008."):
                element.value = made.setdefault(element.value, uid("rt-utils", len(made)))

        ds.walk(fix)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as(path)
    expected[path.stem] = on_grid(affine_ras(square), SHAPE, {
        name: np.flatnonzero(mask.ravel(order="F")).tolist() for name, mask in masks.items()})


def on_grid(affine, shape, masks):
    return {"affine_ras": affine[:3].tolist(), "shape_xyz": list(shape), "masks": masks}


def of_pydicom():
    path = HERE / "pydicom.dcm"
    shutil.copy(get_testdata_file("rtstruct.dcm"), path)
    # 15 pixels of 30 mm, 13 of 25 mm, 5 slices of 10 mm, whose centres lie on no contour.
    affine = np.diag([-30.0, -25.0, 10.0, 1.0])
    affine[:3, 3] = [205.0, 152.0, -210.0]
    structures = pydicom.dcmread(path, force=True)  # it has no preamble
    structures.file_meta = FileMetaDataset()
    for roi in structures.ROIContourSequence[1:]:
        del roi.ContourSequence  # points
    with tempfile.TemporaryDirectory() as folder:
        only = Path(folder) / "pydicom.dcm"
        structures.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        structures.file_meta.MediaStorageSOPClassUID = structures.SOPClassUID
        structures.file_meta.MediaStorageSOPInstanceUID = structures.SOPInstanceUID
        structures.save_as(only, implicit_vr=True, little_endian=True, enforce_file_format=True)
        expect(only, affine, (15, 13, 5))
    expected["pydicom"] = on_grid(affine, (15, 13, 5), expected["pydicom"])


def main():
    drawn()
    refused()
    of_rt_utils()
    of_pydicom()
    (HERE / "expected.json").write_text(json.dumps(expected) + "\n")


main()
