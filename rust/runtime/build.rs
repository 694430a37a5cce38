//! Builds `rust/holder`, the program that a created container waits in, for the library to carry.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let holder = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../holder");
    for folder in [&holder, &holder.join("../child")] {
        println!("cargo::rerun-if-changed={}", folder.join("src").display());
        println!("cargo::rerun-if-changed={}", folder.join("Cargo.toml").display());
    }
    println!("cargo::rerun-if-changed={}", holder.join("build.rs").display());
    println!("cargo::rerun-if-changed={}", holder.join("Cargo.lock").display());
    let target = variable("TARGET");
    // Not the outer build's folder: its lock is held.
    let folder = PathBuf::from(variable("OUT_DIR")).join("holder");
    let mut cargo = Command::new(variable("CARGO"));
    cargo.args(["build", "--release", "--locked", "--quiet", "--target", &target]);
    cargo.arg("--manifest-path").arg(holder.join("Cargo.toml")).arg("--target-dir").arg(&folder);
    // It is linked at a fixed address, for nobody is there to move it; and what the library is built with (a linter in
    // the compiler's place, a sanitizer) is not for it.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Crelocation-model=static");
    let profile = env::vars_os().map(|(name, _)| name).filter(|name| is_of_profile(name));
    for name in profile.chain(["RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS"].map(Into::into))
    {
        cargo.env_remove(name);
    }
    let status = cargo.status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "rust/holder was not built: {status:?}");
    println!("cargo::rustc-env=MINICONTAINER_HOLDER={}", folder.join(target).join("release/holder").display());
}

/// Without its own profile it does not link: a panic's words need what it does not have.
fn is_of_profile(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("CARGO_PROFILE_"))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
