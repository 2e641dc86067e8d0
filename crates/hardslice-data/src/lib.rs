//! Which slices exist and how often each is shown: manifest, audit, slice store, split, balance, ledger.
