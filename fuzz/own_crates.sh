#!/bin/bash
# For RUSTC_WRAPPER: measures the coverage of our own crates alone, on a stable compiler, so that what
# they depend on is taken as it was built for the project. Fuzzers that are built so run several times as
# fast, but see no further than our own code: cargo fuzz measures all of it.
case " $* " in
  *" --crate-name hardslice"*|*"fuzz_targets/of_name.rs"*)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=4 ;;
  *) exec "$@" ;;
esac
