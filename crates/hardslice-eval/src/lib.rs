//! How good a prediction is: overlap, surface distances, per-case scores, intervals.
