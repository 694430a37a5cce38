//! The library's functions by their names, as `src/native/symbols.ts` has them.

#[allow(clippy::wildcard_imports, reason = "each of them is named below")]
use minicontainer::ffi::{calls::*, cgroup::*, life::*, *};

/// An argument, from the word that it crosses as.
trait FromWord {
    fn from_word(word: i64) -> Self;
}

macro_rules! from_word {
    ($($kind:ty),*) => {$(
        impl FromWord for $kind {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "C's rule for a narrower integer")]
            fn from_word(word: i64) -> Self {
                word as Self
            }
        }
    )*};
}

from_word!(u32, i32, u64, i64, *const u8, *mut u8);

impl FromWord for bool {
    fn from_word(word: i64) -> Self {
        word != 0
    }
}

macro_rules! calls {
    ($($name:ident($($kind:ty),*) $(-> $result:ident)?;)*) => {
        /// Calls one of them; `None` where there is none of that name, or an argument is missing.
        ///
        /// # Safety
        /// What are addresses among the words must be those of buffers as long as the words behind them say.
        pub unsafe fn call(name: &str, words: &[i64]) -> Option<i32> {
            let mut words = words.iter().copied();
            match name {
                $(stringify!($name) => {
                    // SAFETY: as the caller vouches.
                    #[allow(unused_unsafe, reason = "those without buffers are safe")]
                    let result = unsafe { $name($(<$kind>::from_word(words.next()?)),*) };
                    Some(calls!(@result result $($result)?))
                })*
                _ => None,
            }
        }
    };
    (@result $value:ident $result:ident) => { $value };
    (@result $value:ident) => {{ let () = $value; 0 }};
}

calls! {
    minicontainer_run(*const u8, u32, *mut u8, u32) -> i32;
    minicontainer_explain(*const u8, u32, *mut u8, u32) -> i32;
    minicontainer_resolve(*const u8, u32, *mut u8, u32) -> i32;
    minicontainer_check(*mut u8, u32) -> i32;
    minicontainer_call(*const u8, u32, *mut u8, u32) -> i32;
    minicontainer_open(*mut u8, u32) -> i32;
    minicontainer_start(u32, u32, bool, *const u8, u32, *mut u8, u32) -> i32;
    minicontainer_start_elsewhere(u32, u32, bool, *const u8, u32, *mut u8, u32) -> i32;
    minicontainer_adopt(u32, u32, i32, *mut u8, u32) -> i32;
    minicontainer_wait(u32, u32, i32, *mut u8, u32) -> i32;
    minicontainer_wake(u32);
    minicontainer_signal(u32, u32, i32) -> i32;
    minicontainer_resize(u32, u32, u32, u32) -> i32;
    minicontainer_read(u32, u32, u32, *mut u8, u32) -> i32;
    minicontainer_write(u32, u32, *const u8, u32) -> i32;
    minicontainer_changes(u32, u32, *mut u8, u32) -> i32;
    minicontainer_close(u32, u32, u32);
    minicontainer_cgroup(u32, u32, *const u8, u32, *mut u8, u32) -> i32;
    minicontainer_receive(u32, u32, *mut u8, u32) -> i32;
    minicontainer_continue(u32, u32, u64) -> i32;
    minicontainer_fail(u32, u32, u64, i32) -> i32;
    minicontainer_return(u32, u32, u64, i64) -> i32;
    minicontainer_read_string(u32, u32, u64, i32, u64, *mut u8, u32) -> i32;
    minicontainer_errno(*const u8, u32) -> i32;
}
