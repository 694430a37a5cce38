//! Has the command's compiled form beside the program's sources: `MINICONTAINER_CODE` names it, as `scripts/command.ts`
//! makes it by `compile.rs`. Without that the program has no command in it, and says so.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MINICONTAINER_CODE");
    let into = Path::new(&env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("command.bin");
    match env::var_os("MINICONTAINER_CODE") {
        None => fs::write(into, []),
        Some(code) => {
            println!("cargo::rerun-if-changed={}", Path::new(&code).display());
            fs::copy(code, into).map(drop)
        }
    }
}
