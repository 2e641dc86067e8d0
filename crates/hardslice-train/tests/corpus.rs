//! Every input that once broke a parser, and a choice of those that lead fuzzers through all of it.

// The modules find the targets' type here, as they do in the crate of the fuzzers.
#[path = "../../../fuzz/src/train.rs"]
mod train;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/seal.rs"]
mod seal;
#[path = "../../../fuzz/src/target.rs"]
mod target;

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn no_input_of_the_corpus_breaks_a_parser_or_takes_more_memory_than_it_may() {
    replay::replay(train::TARGETS, MEMORY);
}
