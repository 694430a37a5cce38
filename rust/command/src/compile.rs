//! Compiles a module for the engine of the installed command: `minicontainer-compile MODULE OUTPUT`.

use std::error::Error;
use std::{env, fs};

use rquickjs::{CatchResultExt, Context, Module, Runtime, WriteOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = env::args_os().skip(1).collect();
    let [module, output] = paths.as_slice() else { return Err("usage: minicontainer-compile MODULE OUTPUT".into()) };
    fs::write(output, compiled(&fs::read(module)?)?)?;
    Ok(())
}

/// The engine's own form of a module.
fn compiled(source: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let context = Context::full(&runtime)?;
    let compiled = context.with(|context| {
        let module = Module::declare(context.clone(), "minicontainer", source);
        let options = WriteOptions { strip_source: true, ..WriteOptions::default() };
        module.and_then(|module| module.write(options)).catch(&context).map_err(|error| error.to_string())
    });
    Ok(compiled?)
}
