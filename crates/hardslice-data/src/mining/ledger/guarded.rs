//! A reader that panics on damaged files, kept from stopping the program.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, UnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic on this thread will be caught, so that nobody need be told.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives; where it panics, the panic's message. The panic is not printed.
///
/// Must not be called within itself.
pub(super) fn guarded<T>(read: impl FnOnce() -> T + UnwindSafe) -> Result<T, String> {
    keep_quiet_about_guarded_panics();
    IS_GUARDED.set(true);
    let caught = panic::catch_unwind(read);
    IS_GUARDED.set(false);
    caught.map_err(|payload| message(payload.as_ref()))
}

/// Puts a panic hook before the one that is there, once.
fn keep_quiet_about_guarded_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                tell(info);
            }
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason was given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_others_are_told_as_before() {
        assert_eq!(guarded(|| 7), Ok(7), "no panic");
        let text = guarded(|| assert_eq!(1 + 1, 3, "sums"));
        assert!(text.unwrap_err().contains("sums"), "the message");
        assert_eq!(
            guarded(|| panic!("plain")),
            Err::<(), _>("plain".to_owned())
        );
        assert!(!IS_GUARDED.get(), "the next panic is told");
    }
}
