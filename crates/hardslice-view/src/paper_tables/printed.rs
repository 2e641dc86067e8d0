//! What the paper prints.
//!
//! # Sources
//!
//! Zhang et al. (2019), "Data balancing based on pre-training strategy for liver segmentation from
//! CT scans", Applied Sciences 9(9), 1825, doi 10.3390/app9091825: Tables 1 and A1 to A5.

use super::{PaperNet, PaperOrgan};

/// Test patients of the paper.
pub(super) const N_PATIENTS: usize = 40;

/// A table's number, its organ and net, and for each of [`super::PaperArm::ALL`] mean, standard
/// deviation, least and greatest test Dice.
pub(super) type PrintedTable = (&'static str, PaperOrgan, PaperNet, [[f64; 4]; 6]);

/// The six tables in the paper's order.
pub(super) const PRINTED: [PrintedTable; 6] = [
    (
        "Table 1",
        PaperOrgan::Liver,
        PaperNet::Fcn,
        [
            [0.9705, 0.011, 0.923, 0.9856],
            [0.9706, 0.011, 0.921, 0.9853],
            [0.9702, 0.013, 0.9124, 0.9843],
            [0.9512, 0.035, 0.8635, 0.9844],
            [0.9475, 0.039, 0.812, 0.9817],
            [0.9789, 0.012, 0.947, 0.9854],
        ],
    ),
    (
        "Table A1",
        PaperOrgan::Kidney,
        PaperNet::Fcn,
        [
            [0.9167, 0.13, 0.8262, 0.9698],
            [0.9106, 0.089, 0.8213, 0.9703],
            [0.9078, 0.114, 0.822, 0.9693],
            [0.8835, 0.035, 0.7935, 0.9687],
            [0.8511, 0.039, 0.7724, 0.9684],
            [0.9258, 0.067, 0.8547, 0.9693],
        ],
    ),
    (
        "Table A2",
        PaperOrgan::Spleen,
        PaperNet::Fcn,
        [
            [0.9773, 0.016, 0.9364, 0.9973],
            [0.9762, 0.012, 0.9379, 0.9957],
            [0.9767, 0.014, 0.9359, 0.9969],
            [0.9714, 0.035, 0.9358, 0.997],
            [0.8981, 0.139, 0.7724, 0.9965],
            [0.9801, 0.007, 0.9563, 0.9975],
        ],
    ),
    (
        "Table A3",
        PaperOrgan::Liver,
        PaperNet::UNet,
        [
            [0.9532, 0.035, 0.9017, 0.9875],
            [0.9501, 0.031, 0.908, 0.9863],
            [0.9486, 0.023, 0.898, 0.9867],
            [0.9107, 0.057, 0.834, 0.9821],
            [0.8932, 0.063, 0.796, 0.9806],
            [0.9604, 0.022, 0.912, 0.987],
        ],
    ),
    (
        "Table A4",
        PaperOrgan::Kidney,
        PaperNet::UNet,
        [
            [0.9206, 0.073, 0.8345, 0.9732],
            [0.9188, 0.092, 0.8351, 0.9725],
            [0.9158, 0.113, 0.8298, 0.973],
            [0.8735, 0.127, 0.7653, 0.9563],
            [0.8621, 0.153, 0.7549, 0.9517],
            [0.9287, 0.028, 0.8591, 0.9708],
        ],
    ),
    (
        "Table A5",
        PaperOrgan::Spleen,
        PaperNet::UNet,
        [
            [0.9795, 0.009, 0.9473, 0.9971],
            [0.9803, 0.007, 0.9482, 0.9962],
            [0.978, 0.015, 0.9367, 0.9969],
            [0.9704, 0.023, 0.9289, 0.9972],
            [0.9057, 0.089, 0.8124, 0.9963],
            [0.9857, 0.005, 0.9579, 0.9969],
        ],
    ),
];
