//! Writing structure sets (RTSTRUCT).
