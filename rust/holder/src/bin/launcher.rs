//! The installed command: it becomes Deno, with the library's module and an environment for that.
//!
//! A shell that does so takes each command 0.4 ms, most of it for its C library. What is executed stands in the program's own
//! file, in a slot that `scripts/install.ts` fills, so there is nothing to be found, opened or read.

#![no_std]
#![no_main]

use core::arch::global_asm;
use core::ffi::c_char;

use minicontainer_child::{CStrArray, end, launch};

minicontainer_holder::begin_with!(begin);

/// Room for the longest paths of Deno, of the module and of the cache, and for what stands between.
const SLOT_BYTES: usize = 16 * 1024;

// The compiler must not know what is in it, for that will be something else. The bar shows where it ends.
global_asm!(
    ".pushsection .rodata.launcher, \"a\"",
    "minicontainer_slot:",
    ".asciz \"what scripts/install.ts fills in\"",
    ".org minicontainer_slot + {bytes}",
    ".asciz \"|\"",
    ".popsection",
    bytes = const SLOT_BYTES,
);

unsafe extern "C" {
    #[link_name = "minicontainer_slot"]
    static SLOT: [u8; SLOT_BYTES];
}

/// # Safety
/// `stack` is where the kernel has put `argc`, and behind it arguments and environment.
unsafe extern "C" fn begin(stack: *const usize) -> ! {
    // SAFETY: as the kernel lays the stack out, execve(2).
    let (count, arguments) = unsafe { (stack.read(), stack.add(1).cast::<*const c_char>()) };
    // SAFETY: a NULL stands behind the last argument, and behind that the environment, with a NULL at its end.
    let (argv, envp) = unsafe {
        let entries = arguments.add(count + 1);
        let mut entry_count = 0;
        while !entries.add(entry_count).read().is_null() {
            entry_count += 1;
        }
        (CStrArray::from_stack(arguments, count), CStrArray::from_stack(entries, entry_count))
    };
    // SAFETY: it is in this program, and nobody writes to it.
    end(launch(unsafe { &SLOT }, argv, envp))
}
