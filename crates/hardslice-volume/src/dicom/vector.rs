//! The little vector algebra that placing slices needs.

/// A position or direction in the patient.
pub(super) type Vector = [f64; 3];

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(super) fn length(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

pub(super) fn scaled(a: Vector, factor: f64) -> Vector {
    a.map(|v| v * factor)
}

/// `a - b`.
pub(super) fn minus(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| a[i] - b[i])
}

/// DICOM's axes (left, posterior, superior) turned to RAS+, and back.
pub(super) fn lps_to_ras([l, p, s]: Vector) -> Vector {
    // Not `-l`: a zero keeps its sign.
    [0.0 - l, 0.0 - p, s + 0.0]
}
