//! Balance: which slices are hard, and a policy, become a sampling plan.
//!
//! ```text
//! HardSlices ───┐
//!               ├──> Arm::second_half ──> Plan (a weight per slice, with its reason)
//! Candidates ───┘                          └──> WeightedSampler (which slice is shown when)
//! ```
//!
//! Nothing here calls a model, reads a voxel or opens a store: what was mined comes in
//! ([`crate::mining`]), weights go out, and the same input gives the same plan.
//!
//! # Sources
//!
//! - Y. Zhang et al. (2019), "Data Balancing Based on Pre-Training Strategy for Liver Segmentation
//!   from CT Scans", Applied Sciences 9(9):1825. Section 2.2: A and B, the flipped hard slices that
//!   join B; section 3: the threshold and how many slices it takes. The arms `baseline`, `b_only` and
//!   `hard`. The paper has no control: all of them are ours.
//! - Y. Huang et al. (2022), "Subset selection strategy-based pancreas segmentation in CT",
//!   Quantitative Imaging in Medicine and Surgery, from the same university: positive-negative subset
//!   selection (PNSS) thins out easy negative slices step by step, hard-easy subset selection (HESS)
//!   shows hard slices more often. The arm `gradual` does both, by weights instead of subsets.
//! - A. Shrivastava, A. Gupta, R. Girshick (2016), "Training Region-based Object Detectors with Online
//!   Hard Example Mining", CVPR: mining by the net as it stands, which `rounds` does part by part.
//! - S. Sagawa et al. (2020), "Distributionally Robust Neural Networks for Group Shifts", ICLR: more
//!   weight for the group that does worst. Here the groups are patients, and the weights are fixed
//!   once (`worst_patients`).
//! - A. Kirsch et al. (2023), "Stochastic Batch Acquisition: A Simple Baseline for Deep Active
//!   Learning", Transactions on Machine Learning Research: drawing in proportion to a power of a score
//!   is taking the highest of it with noise. With a power that rises and two thirds of the draws within
//!   each class it is what follow-up work on nnActive annotates 3D images by; here it weighs slices
//!   whose labels are known (`annealed`).
//! - T.-Y. Lin et al. (2017), "Focal Loss for Dense Object Detection", ICCV: the rival that reweighs
//!   pixels and leaves the set as it is (`baseline_focal`).
//!
//! And against the idea, why there are controls:
//!
//! - X. Wu, E. Dyer, B. Neyshabur (2021), "When Do Curricula Work?", ICLR: easy first, hard first and
//!   random orders do alike where time and labels are plenty.
//! - B. Sorscher et al. (2022), "Beyond neural scaling laws: beating power law scaling via data
//!   pruning", Advances in Neural Information Processing Systems 35: with little data it is the easy examples that are worth keeping.
//! - Y. Wang et al. (2018), "Training Multi-organ Segmentation Networks with Sample Selection by
//!   Relaxed Upper Confident Bound", MICCAI: the very hardest samples of abdominal CT are often wrongly
//!   annotated, which is what [`crate::mining::triage`] looks for.

mod annealed;
mod arm;
mod candidate;
mod chosen;
mod controls;
mod hard_in_controls;
mod hard_slices;
mod options;
mod patients;
mod plan;
mod plan_summary;
mod policy;
mod reason;
mod sampler;

pub use arm::{Arm, ArmRole, ArmWords};
pub use candidate::{Candidate, Candidates, RepeatFactors};
pub use hard_in_controls::hard_in_controls;
pub use hard_slices::HardSlices;
pub use options::BalanceOptions;
pub use plan::{Plan, PlanEntry, PlanError};
pub use plan_summary::{PlanSummary, ReasonSummary};
pub use policy::ArmError;
pub use reason::Reason;
pub use sampler::{Flip, FlipMode, Sample, WeightedSampler};
