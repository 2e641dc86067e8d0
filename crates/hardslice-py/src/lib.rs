//! hardslice for Python: the native half of the package `hardslice`, and the program.
//!
//! A thin layer. What is public for Python, with its documentation and types, is in
//! `python/hardslice/`; the functions here take what that has checked, give the GIL away while they
//! compute, and hand structured results over as JSON, so that their fields are those of the files.
//!
//! There is no allocator of its own here. An extension module is opened in the middle of a process:
//! mimalloc's thread-local heap would need a place in the static block of thread-local storage, which
//! is small and shared with every other extension; its memory is not given back to the allocator that
//! the rest of the interpreter uses; and it would have to outlive forks of a process that it does not
//! own. Activations are cut from an arena, so that little would be gained.

#![expect(
    clippy::fn_params_excessive_bools,
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "Python's arguments come by value, and by name"
)]

mod arrays;
mod cohort;
mod commands;
mod evaluate;
mod failure;
mod mining;
mod model;
mod program;
mod slices;
mod store;
mod work;

use pyo3::prelude::*;

/// The native half of the package `hardslice`: see there.
#[pymodule]
fn _hardslice(module: &Bound<'_, PyModule>) -> PyResult<()> {
    work::remember_process();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(program::program, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate_arrays, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate_paths, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::summary, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::compare_tables, module)?)?;
    module.add_function(wrap_pyfunction!(slices::count_arrays, module)?)?;
    module.add_function(wrap_pyfunction!(slices::count_paths, module)?)?;
    module.add_function(wrap_pyfunction!(mining::judge_slices, module)?)?;
    module.add_function(wrap_pyfunction!(mining::hard_slices, module)?)?;
    module.add_function(wrap_pyfunction!(cohort::audit, module)?)?;
    module.add_function(wrap_pyfunction!(store::open_store, module)?)?;
    module.add_function(wrap_pyfunction!(commands::command, module)?)?;
    module.add_class::<model::Model>()?;
    Ok(())
}
