//! The command itself, as `compile.rs` has made it of its TypeScript.

use rquickjs::{Ctx, Error, Module};

static CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/command.bin"));

/// Whether the program was built without it.
pub fn is_missing() -> bool {
    CODE.is_empty()
}

/// Its module.
pub fn load<'js>(context: &Ctx<'js>) -> Result<Module<'js>, Error> {
    // SAFETY: `compile.rs` has made it, with the same version of the engine and for the same kind of processor.
    unsafe { Module::load(context.clone(), CODE) }
}
