//! The program; all of it is in the library, so that others can be its host.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let status = hardslice::program::main(std::env::args_os());
    hardslice::program::end_if_interrupted();
    ExitCode::from(status)
}
