"""Writes tiny synthetic DICOM series and what has to be read from them.

    python -m venv venv && venv/bin/pip install pydicom==3.0.2 highdicom==0.28.2 nibabel==5.4.2 \
        SimpleITK==2.5.7 pylibjpeg==2.1.0 pylibjpeg-openjpeg==2.6.0 pylibjpeg-libjpeg==2.5.0 pyjpegls==1.5.1 \
        python-gdcm==3.2.6
    venv/bin/python make.py

Every case is a folder beside this script; `expected.json` holds, for each, the voxels and the
affine on canonical axes (RAS+), read back with pydicom (values) and nibabel (axes), and checked
against SimpleITK where that reads the case. Voxels are listed `[z][y][x]` flattened, `x` fastest.
"""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import gdcm
import highdicom
import nibabel
import numpy as np
import pydicom
import SimpleITK
from highdicom.seg import SegmentationTypeValues as SegType
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

HERE = Path(__file__).parent
CT, MR, ENHANCED = (
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.2.1",
)
SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "big_endian": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg_ls": "1.2.840.10008.1.2.4.80",
    "jpeg_ls_near": "1.2.840.10008.1.2.4.81",
    "jpeg2000": "1.2.840.10008.1.2.4.90",
    "jpeg2000_lossy": "1.2.840.10008.1.2.4.91",
    "jpeg_lossless": "1.2.840.10008.1.2.4.57",
    "jpeg_lossless_sv1": "1.2.840.10008.1.2.4.70",
    "jpeg_baseline": "1.2.840.10008.1.2.4.50",
}
REFUSED_SYNTAX = {"jpeg_extended_12_bits": "1.2.840.10008.1.2.4.51"}
ROWS, COLUMNS, SLICES = 6, 7, 5
# OpenJPEG's encoder takes no smaller images.
LARGE = (3, 33, 36)
AXIAL = (1, 0, 0, 0, 1, 0)
# Turned by 20 degrees about x and 35 about z, with the rows running to the patient's right.
OBLIQUE = tuple(
    float(f"{v:.9f}")
    for v in (
        -np.cos(0.61), -np.sin(0.61), 0,
        np.sin(0.61) * np.cos(0.35), -np.cos(0.61) * np.cos(0.35), -np.sin(0.35),
    )
)
SPACING = (0.8, 0.65)  # between rows, between columns
ORIGIN = (-12.5, 31.25, -804.5)


def uid(*names):
    return generate_uid(entropy_srcs=["hardslice golden", *map(str, names)])


def hounsfield(seed, shape=(SLICES, ROWS, COLUMNS), low=-1024, high=3071):
    return np.random.default_rng(seed).integers(low, high, shape, endpoint=True)


def position(orientation, distance, origin=ORIGIN):
    normal = np.cross(orientation[:3], orientation[3:])
    return [float(f"{v:.6f}") for v in np.array(origin) + distance * normal]


def base(case, k, sop_class=CT, syntax="explicit"):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid(case, k)
    meta.TransferSyntaxUID = SYNTAXES[syntax]
    meta.ImplementationClassUID = uid("implementation")
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128,
                     is_implicit_VR=syntax == "implicit", is_little_endian=syntax != "big_endian")
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, uid(case, k)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid("study"), uid(case, "series")
    ds.FrameOfReferenceUID = uid("frame of reference")
    ds.Modality, ds.SeriesDescription = "CT", f"golden {case}"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Gold^En", case, "", "O"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = "20200101"
    ds.StudyTime = ds.ContentTime = "120000"
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "1", "", ""
    ds.Manufacturer, ds.SeriesNumber, ds.InstanceNumber = "golden", 1, k + 1
    ds.PositionReferenceIndicator = ""
    return ds


def pixels(ds, stored, bits_allocated=16, bits_stored=16, signed=False):
    """Sets the Image Pixel module, uncompressed."""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape[-2:]
    ds.BitsAllocated, ds.BitsStored = bits_allocated, bits_stored
    ds.HighBit, ds.PixelRepresentation = bits_stored - 1, int(signed)
    order = ">" if ds.file_meta.TransferSyntaxUID == SYNTAXES["big_endian"] else "<"
    kind = f"{order}{'i' if signed else 'u'}{bits_allocated // 8}"
    data = stored.astype(kind).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if bits_allocated > 8 else "OB"


def slice_of(case, k, stored, distance, syntax="explicit", orientation=AXIAL, slope=1,
             intercept=-1024, **layout):
    ds = base(case, k, syntax=syntax)
    ds.ImageOrientationPatient = list(orientation)
    ds.ImagePositionPatient = position(orientation, distance)
    ds.PixelSpacing, ds.SliceThickness = list(SPACING), 2.5
    ds.GantryDetectorTilt = 0
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = slope, intercept, "HU"
    pixels(ds, stored, **layout)
    return ds


def save(ds, case, name):
    folder = HERE / case
    folder.mkdir(exist_ok=True)
    ds.save_as(folder / name, enforce_file_format=True)


def compress(ds, syntax):
    """Compresses with pydicom's encoders, or with GDCM for JPEG."""
    if syntax in ("rle", "jpeg_ls", "jpeg2000"):
        ds.compress(SYNTAXES[syntax], generate_instance_uid=False)
    elif syntax == "jpeg_ls_near":
        ds.compress(SYNTAXES[syntax], jls_error=2, generate_instance_uid=False)
    elif syntax == "jpeg2000_lossy":
        ds.compress(SYNTAXES[syntax], j2k_cr=[3], generate_instance_uid=False)
    elif syntax.startswith("jpeg"):
        path = HERE / "raw.dcm"
        ds.save_as(path, enforce_file_format=True)
        target = {**SYNTAXES, **REFUSED_SYNTAX}[syntax]
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read(), syntax
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(target)))
        change.SetInput(reader.GetImage())
        assert change.Change(), syntax
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(path))
        assert writer.Write(), syntax
        encoded = pydicom.dcmread(path)
        assert encoded.file_meta.TransferSyntaxUID == target, syntax
        n_frames = int(ds.get("NumberOfFrames", 1))
        frames = list(generate_frames(encoded.PixelData, number_of_frames=n_frames))
        ds.PixelData = encapsulate(frames)
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
        ds.file_meta.TransferSyntaxUID = target
        path.unlink()


def read_back(case):
    """Values by pydicom, order and affine by hand, canonical axes by nibabel."""
    slices = []
    for path in sorted((HERE / case).glob("*.dcm")):
        ds = pydicom.dcmread(path)
        array = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns).astype("f8")
        for k, plane in enumerate(array):
            if "PerFrameFunctionalGroupsSequence" in ds:
                own, shared = ds.PerFrameFunctionalGroupsSequence[k], ds.SharedFunctionalGroupsSequence[0]
                find = lambda name: (own if name in own else shared)[name][0]
                head = Dataset()
                for name in ("PlanePositionSequence", "PlaneOrientationSequence",
                             "PixelMeasuresSequence", "PixelValueTransformationSequence"):
                    head.update(find(name))
            else:
                head = ds
            slices.append((head, plane * float(head.RescaleSlope) + float(head.RescaleIntercept)))
    row, column = (np.array(slices[0][0].ImageOrientationPatient[i : i + 3], "f8") for i in (0, 3))
    normal = np.cross(row, column)
    distance = lambda s: float(np.dot(normal, s[0].ImagePositionPatient))
    slices.sort(key=distance)
    step = (distance(slices[-1]) - distance(slices[0])) / (len(slices) - 1)
    head = slices[0][0]
    affine = np.eye(4)
    affine[:3, 0] = row * float(head.PixelSpacing[1])
    affine[:3, 1] = column * float(head.PixelSpacing[0])
    affine[:3, 2] = normal * step
    affine[:3, 3] = head.ImagePositionPatient
    affine = np.diag([-1, -1, 1, 1]) @ affine
    native = np.stack([plane for _, plane in slices]).transpose(2, 1, 0)
    return nibabel.as_closest_canonical(nibabel.Nifti1Image(native.astype("f4"), affine))


def check_with_simpleitk(case, image, tolerance):
    """The same voxels at the same places, read by another program."""
    folder = str(HERE / case)
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(folder)
    try:
        itk = SimpleITK.ReadImage(names if len(names) > 1 else names[0])
    except RuntimeError as err:
        print(f"{case}: SimpleITK does not read it: {str(err).splitlines()[-1]}")
        return False
    array = np.asarray(image.dataobj)
    for ijk in np.ndindex(*array.shape):
        x, y, z = (image.affine @ [*ijk, 1])[:3]
        at = itk.TransformPhysicalPointToContinuousIndex((-x, -y, z))
        whole = tuple(int(round(v)) for v in at)
        assert np.allclose(at, whole, atol=1e-3), (case, at)
        assert abs(itk[whole] - array[ijk]) <= tolerance, (case, ijk, itk[whole], array[ijk])
    return True


EXPECTED = {}


def expect(case, tolerance=0, simpleitk=True):
    image = read_back(case)
    checked = simpleitk and check_with_simpleitk(case, image, tolerance + 1e-3)
    voxels = np.asarray(image.dataobj, "f4").transpose(2, 1, 0)
    EXPECTED[case] = {
        "shape_zyx": list(voxels.shape),
        "world_from_voxel": [[round(v, 9) for v in row] for row in image.affine[:3].tolist()],
        "tolerance_hu": tolerance,
        "checked_with": "pydicom, nibabel" + (", SimpleITK" if checked else ""),
        "hounsfield": [round(float(v), 4) for v in voxels.ravel()],
    }


def series_in_every_syntax():
    for syntax in SYNTAXES:
        hu = hounsfield(1, LARGE) if "2000" in syntax else hounsfield(1)
        near = syntax in ("jpeg2000_lossy", "jpeg_baseline")
        for k, plane in enumerate(hu):
            raw = syntax if syntax in ("implicit", "explicit", "big_endian", "deflated") else "explicit"
            if syntax == "jpeg_baseline":  # 8 bits only
                layout = dict(bits_allocated=8, bits_stored=8, slope=16, intercept=-1024)
                stored = (plane + 1024) // 16
            else:
                layout = dict(bits_stored=12)
                stored = plane + 1024
            ds = slice_of(syntax, k, stored, 2.5 * k, syntax=raw, **layout)
            compress(ds, syntax)
            save(ds, syntax, f"{k}.dcm")
        # Lossy decoders may round differently by one stored value.
        expect(syntax, tolerance=0 if not near else (16 if syntax == "jpeg_baseline" else 1))


def layouts():
    hu = hounsfield(2, low=-2000, high=2047)
    for k, plane in enumerate(hu):  # 12 bits with sign, an overlay in the high bits
        ds = slice_of("signed_12_bits", k, plane, 2.5 * k, intercept=0, bits_stored=12, signed=True)
        words = np.frombuffer(ds.PixelData, "<u2") & 0x0FFF | np.uint16((k + 3) << 12)
        ds.PixelData = words.astype("<u2").tobytes()
        save(ds, "signed_12_bits", f"{k}.dcm")
    expect("signed_12_bits", simpleitk=False)

    for k, plane in enumerate(hu):  # slope and intercept change from slice to slice
        ds = slice_of("rescale_per_slice", k, plane, 2.5 * k, slope=0.5 + 0.25 * k,
                      intercept=-10.5 * k, signed=True)
        ds.PhotometricInterpretation = "MONOCHROME1"
        ds.PixelPaddingValue = -2000
        save(ds, "rescale_per_slice", f"{k}.dcm")
    expect("rescale_per_slice", simpleitk=False)

    for k, plane in enumerate(hounsfield(3)):
        ds = slice_of("32_bits", k, plane + 1024, 2.5 * k, bits_allocated=32, bits_stored=32)
        save(ds, "32_bits", f"{k}.dcm")
    expect("32_bits", simpleitk=False)

    for syntax in ("rle", "jpeg2000", "jpeg_lossless_sv1", "jpeg_ls"):  # with sign
        values = hounsfield(2, LARGE, -2000, 2047) if syntax == "jpeg2000" else hu
        for k, plane in enumerate(values):
            ds = slice_of(f"signed_{syntax}", k, plane, 2.5 * k, intercept=0, signed=True)
            compress(ds, syntax)
            save(ds, f"signed_{syntax}", f"{k}.dcm")
        expect(f"signed_{syntax}")


def sign_lost():
    """Signed values of 12 bits in streams that say, or know only, unsigned ones."""
    for syntax, shape in (("jpeg2000", LARGE), ("jpeg_ls", (SLICES, ROWS, COLUMNS))):
        case = f"{syntax}_sign_lost"
        for k, plane in enumerate(hounsfield(8, shape, -2048, 2047)):
            ds = slice_of(case, k, plane & 0x0FFF, 2.5 * k, intercept=0, bits_stored=12)
            compress(ds, syntax)
            ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 1
            save(ds, case, f"{k}.dcm")
        expect(case, simpleitk=False)


def placed_in_space():
    hu = hounsfield(4)
    # Instance numbers and names run against the positions, rows to the right, normal downwards.
    for k, plane in enumerate(hu):
        ds = slice_of("oblique", SLICES - 1 - k, plane + 1024, 1.75 * k, orientation=OBLIQUE,
                      bits_stored=12)
        save(ds, "oblique", f"{(k * 3) % SLICES}.dcm")
    expect("oblique")
    sagittal = (0, 1, 0, 0, 0, -1)
    for k, plane in enumerate(hu):
        ds = slice_of("sagittal", k, plane + 1024, -3 * k, orientation=sagittal, bits_stored=12)
        save(ds, "sagittal", f"{k}.dcm")
    expect("sagittal")


def item(**attributes):
    ds = Dataset()
    for name, value in attributes.items():
        setattr(ds, name, value)
    return ds


def enhanced(case, order, orientation=OBLIQUE, shape=(SLICES, ROWS, COLUMNS)):
    hu = hounsfield(5, shape)
    ds = base(case, 0, sop_class=ENHANCED)
    ds.NumberOfFrames = len(order)
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(orientation))],
        PixelMeasuresSequence=[item(PixelSpacing=list(SPACING), SliceThickness=2.5)],
        CTImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])],
    )
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    ds.PerFrameFunctionalGroupsSequence = Sequence([
        item(
            PlanePositionSequence=[item(ImagePositionPatient=position(orientation, 2.5 * k))],
            PixelValueTransformationSequence=[
                item(RescaleSlope=1, RescaleIntercept=-1000 - k, RescaleType="HU")
            ],
        )
        for k in order
    ])
    pixels(ds, np.stack([hu[k] + 1000 + k for k in order]).clip(0), bits_stored=16)
    return ds


def multi_frame():
    order = [3, 0, 4, 1, 2]
    save(enhanced("enhanced", order), "enhanced", "0.dcm")
    expect("enhanced", simpleitk=False)
    for syntax in ("rle", "jpeg2000"):
        large = syntax == "jpeg2000"
        ds = (enhanced(f"enhanced_{syntax}", [2, 0, 1], shape=LARGE) if large
              else enhanced(f"enhanced_{syntax}", order))
        compress(ds, syntax)
        save(ds, f"enhanced_{syntax}", "0.dcm")
        expect(f"enhanced_{syntax}", simpleitk=False)
    # Frames in two fragments each: with a basic, and with an extended offset table.
    for case, extended in (("enhanced_fragments", False), ("enhanced_extended_offsets", True)):
        ds = enhanced(case, [2, 0, 1], shape=LARGE)
        compress(ds, "jpeg2000")
        frames = list(generate_frames(ds.PixelData, number_of_frames=len(LARGE)))
        ds.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=not extended)
        if extended:
            table, at = [], 0
            for frame in frames:
                table.append(at)
                halves = list(pydicom.encaps.fragment_frame(frame, 2))
                at += sum(len(half) + 8 for half in halves)
            ds.ExtendedOffsetTable = np.array(table, "<u8").tobytes()
            ds.ExtendedOffsetTableLengths = np.array([len(f) for f in frames], "<u8").tobytes()
        save(ds, case, "0.dcm")
        EXPECTED[case] = {"same_as": "enhanced_jpeg2000"}


def refused():
    """Series that make no volume; the test knows what has to be said about each."""
    plane = hounsfield(6)[0] + 1024
    for k, distance in enumerate((0, 2.5, 5.0, 8.5)):
        save(slice_of("uneven", k, plane, distance), "uneven", f"{k}.dcm")
    for k in range(6):
        ds = slice_of("interleaved", k, plane, 2.5 * k)
        ds.AcquisitionNumber = 1 + k % 2
        save(ds, "interleaved", f"{k}.dcm")
        ds = slice_of("acquired_in_turn", k, plane, 2.5 * k)  # not refused
        ds.AcquisitionNumber = 1 + k // 3
        save(ds, "acquired_in_turn", f"{k}.dcm")
    for k in range(4):
        ds = slice_of("tilted", k, plane, 2.5 * k)
        ds.ImagePositionPatient[1] = ORIGIN[1] + 2.5 * k * np.tan(np.radians(10))
        save(ds, "tilted", f"{k}.dcm")
        ds = slice_of("tilted_in_header", k, plane, 2.5 * k)
        ds.GantryDetectorTilt = -12.5
        save(ds, "tilted_in_header", f"{k}.dcm")
        ds = slice_of("shifted", k, plane, 2.5 * k)
        ds.ImagePositionPatient[0] = ORIGIN[0] + (5 if k == 2 else 0)
        save(ds, "shifted", f"{k}.dcm")
    for k in range(3):
        save(slice_of("with_localizer", k, plane, 2.5 * k), "with_localizer", f"{k}.dcm")
    ds = slice_of("with_localizer", 3, plane, 0, orientation=(0, 1, 0, 0, 0, -1))
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    save(ds, "with_localizer", "survey.dcm")
    for k in range(3):
        columns = COLUMNS - 1 if k == 2 else COLUMNS
        ds = slice_of("two_sizes", k, plane[:, :columns], 2.5 * k)
        save(ds, "two_sizes", f"{k}.dcm")
    ds = slice_of("jpeg_extended_12_bits", 0, plane, 0, bits_stored=12)
    compress(ds, "jpeg_extended_12_bits")
    save(ds, "jpeg_extended_12_bits", "0.dcm")
    ds = slice_of("mr", 0, plane, 0)
    ds.Modality, ds.SOPClassUID = "MR", MR
    save(ds, "mr", "0.dcm")
    ds = slice_of("not_hounsfield", 0, plane, 0)
    ds.RescaleType = "Z_EFF"
    save(ds, "not_hounsfield", "0.dcm")
    ds = slice_of("not_rescaled", 0, plane, 0)
    del ds.RescaleSlope, ds.RescaleIntercept
    save(ds, "not_rescaled", "0.dcm")
    ds = slice_of("rtstruct", 0, plane, 0)
    for name in ("Rows", "Columns", "PixelData", "BitsAllocated"):
        delattr(ds, name)
    ds.Modality, ds.SOPClassUID = "RTSTRUCT", "1.2.840.10008.5.1.4.1.1.481.3"
    save(ds, "rtstruct", "0.dcm")


def segmentations():
    """On the oblique series: its files by position, and the canonical label map expected."""
    sources = [pydicom.dcmread(p) for p in sorted((HERE / "oblique").glob("*.dcm"))]
    normal = np.cross(OBLIQUE[:3], OBLIQUE[3:])
    sources.sort(key=lambda ds: np.dot(normal, ds.ImagePositionPatient))
    rng = np.random.default_rng(7)
    labels = rng.choice([0, 0, 1, 2, 3], (SLICES, ROWS, COLUMNS)).astype("u1")
    labels[1] = 0  # a slice that no frame mentions
    canonical = read_back_labels(labels)
    names = ["Liver", "Kidney Left", "Spleen"]
    describe = lambda number, label: highdicom.seg.SegmentDescription(
        segment_number=number, segment_label=label,
        segmented_property_category=codes.SCT.Organ, segmented_property_type=codes.SCT.Organ,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )

    def write(case, array, kind, labels=names, transfer_syntax="explicit", change=None, **more):
        seg = highdicom.seg.Segmentation(
            source_images=sources, pixel_array=array, segmentation_type=kind,
            segment_descriptions=[describe(i + 1, l) for i, l in enumerate(labels)],
            series_instance_uid=uid(case, "series"), series_number=9,
            sop_instance_uid=uid(case, 0), instance_number=1, manufacturer="golden",
            manufacturer_model_name="golden", software_versions="1", device_serial_number="1",
            transfer_syntax_uid=SYNTAXES[transfer_syntax], **more,
        )
        seg.ContentDate, seg.ContentTime = "20200101", "120000"
        for name in ("InstanceCreationDate", "InstanceCreationTime"):
            if name in seg:
                delattr(seg, name)
        del seg.ContributingEquipmentSequence  # holds the time of writing
        organization = uid(case, "dimensions")
        seg.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
        for index in seg.DimensionIndexSequence:
            index.DimensionOrganizationUID = organization
        if change:
            change(seg)
        save(seg, case, "0.dcm")

    flat = [int(v) for v in canonical.ravel()]
    write("seg_binary", labels, SegType.BINARY)
    EXPECTED["seg_binary"] = {"labels": flat}
    write("seg_fractional_rle", np.stack([labels == i + 1 for i in range(3)], -1) * 0.7,
          SegType.FRACTIONAL, transfer_syntax="rle", max_fractional_value=200)
    EXPECTED["seg_fractional_rle"] = {"labels": flat}
    write("seg_labelmap", labels, SegType.LABELMAP)
    EXPECTED["seg_labelmap"] = {"labels": flat}
    both = np.stack([labels == 1, (labels == 2) | ((labels == 1) & (np.arange(COLUMNS) < 2))], -1)
    write("seg_overlap", both.astype("u1"), SegType.BINARY, names[:2])
    EXPECTED["seg_overlap"] = {"n_voxels": int((both[..., 0] & both[..., 1]).sum())}

    def move(seg, by):
        """Moves all frames; highdicom lets frames share one item, so none is moved twice."""
        places = [f.PlanePositionSequence[0] for f in seg.PerFrameFunctionalGroupsSequence]
        for place in {id(place): place for place in places}.values():
            place.ImagePositionPatient = [
                float(f"{v:.6f}") for v in np.array(place.ImagePositionPatient) + by
            ]

    def shift(seg):
        move(seg, [0.3, 0, 0])

    write("seg_off_grid", labels, SegType.BINARY, change=shift)

    # The upper left part of each frame only, and rows told from the bottom up.
    def crop_and_flip(seg):
        rows, columns = 4, 5
        frames = seg.pixel_array.reshape(-1, ROWS, COLUMNS)[:, :rows, :columns][:, ::-1]
        seg.Rows, seg.Columns = rows, columns
        bits = np.packbits(frames.ravel(), bitorder="little").tobytes()
        seg.PixelData = bits + b"\0" * (len(bits) % 2)
        row, column = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
        for group in [seg.SharedFunctionalGroupsSequence[0], *seg.PerFrameFunctionalGroupsSequence]:
            if "PlaneOrientationSequence" in group:
                turned = [*row.tolist(), *(-column).tolist()]
                group.PlaneOrientationSequence[0].ImageOrientationPatient = turned
        move(seg, (rows - 1) * SPACING[0] * column)

    write("seg_cropped_flipped", labels, SegType.BINARY, change=crop_and_flip)
    part = np.zeros_like(labels)
    part[:, :4, :5] = labels[:, :4, :5]
    EXPECTED["seg_cropped_flipped"] = {"labels": [int(v) for v in read_back_labels(part).ravel()]}


def read_back_labels(labels):
    """Labels of the oblique series, slices by position, on canonical axes `[z, y, x]`."""
    reference = nibabel.Nifti1Image(np.zeros((COLUMNS, ROWS, SLICES), "u1"), np.eye(4))
    image = read_back_affine("oblique")
    canonical = nibabel.as_closest_canonical(
        nibabel.Nifti1Image(labels.transpose(2, 1, 0).astype("u1"), image)
    )
    assert reference.shape == labels.shape[::-1]
    return np.asarray(canonical.dataobj).transpose(2, 1, 0)


def read_back_affine(case):
    row, column = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * SPACING[1], column * SPACING[0]
    affine[:3, 2], affine[:3, 3] = np.cross(row, column) * 1.75, ORIGIN
    return np.diag([-1, -1, 1, 1]) @ affine


def main():
    for old in HERE.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
    series_in_every_syntax()
    layouts()
    sign_lost()
    placed_in_space()
    multi_frame()
    refused()
    segmentations()
    packages = ("pydicom", "highdicom", "nibabel", "SimpleITK", "numpy", "pylibjpeg", "pylibjpeg-openjpeg",
                "pylibjpeg-libjpeg", "pyjpegls", "python-gdcm")
    versions = {name: version(name) for name in packages}
    lines = [f"  {json.dumps(case)}: {json.dumps(what)}" for case, what in EXPECTED.items()]
    text = ",\n".join([f'  "versions": {json.dumps(versions)}', *lines])
    (HERE / "expected.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
