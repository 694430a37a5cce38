//! This process's environment, as it is now.

use std::ffi::{CStr, CString, c_char};

unsafe extern "C" {
    /// `extern char **environ`, environ(7).
    static environ: *const *const c_char;
}

/// Every entry, copied. `std::env::vars_os` would take each apart and have it joined again, at three allocations each;
/// its lock is no help, for Deno's own code is linked with another copy of std. Where a Worker may set variables
/// meanwhile, Deno must be asked instead (`src/runtime/environment.ts`).
#[must_use]
pub fn environment() -> Vec<CString> {
    let mut entries = Vec::with_capacity(64);
    // SAFETY: glibc's variable; we are called on the thread that calls us from JavaScript, the one that changes it.
    let mut next = unsafe { environ };
    while !next.is_null() {
        // SAFETY: the list ends with NULL, and we have not passed that.
        let entry = unsafe { *next };
        if entry.is_null() {
            break;
        }
        // SAFETY: each entry is a C string.
        entries.push(unsafe { CStr::from_ptr(entry) }.to_owned());
        // SAFETY: not the end, so there is one more.
        next = unsafe { next.add(1) };
    }
    entries
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_what_std_sees() {
        let names: Vec<String> = super::environment()
            .iter()
            .map(|entry| entry.to_string_lossy().split('=').next().unwrap().into())
            .collect();
        let expected: Vec<String> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into()).collect();
        assert!(!names.is_empty());
        assert_eq!(names, expected);
    }
}
