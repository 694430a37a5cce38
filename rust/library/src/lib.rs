//! The library that Deno loads: what [`runtime::ffi`] exports. It is a package of its own because a shared library takes
//! the linker long, which the runtime's tests and the installed command have no use for.

pub use runtime::ffi::*;
