//! Writes the default seccomp profile, for others to take or to start from: as OCI's `linux.seccomp`, or as the program
//! that seccomp(2) takes on this machine, which is what `bwrap --seccomp FD` reads. What is let through depends on the
//! capabilities of the program's bounding set.
//!
//! ```text
//! $ cargo run -p minicontainer --example default_seccomp -- oci CAP_CHOWN CAP_SYS_CHROOT >seccomp.json
//! $ cargo run -p minicontainer --example default_seccomp -- bpf >filter
//! $ bwrap --ro-bind / / --seccomp 9 /bin/sh 9<filter
//! ```

use std::io::Write;
use std::process::ExitCode;

use minicontainer::names::capability;
use minicontainer::seccomp::spec::Seccomp;
use minicontainer::seccomp::{compile, default_profile, supported_architectures};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let written = written(&arguments).and_then(|bytes| {
        std::io::stdout().write_all(&bytes).map_err(|error| format!("cannot write the profile: {error}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("default_seccomp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn written(arguments: &[String]) -> Result<Vec<u8>, String> {
    let (form, names) = arguments.split_first().ok_or("name a form, oci or bpf, and capabilities")?;
    let capabilities = capability::mask(names);
    if let Some(unknown) = capabilities.unknown.first() {
        return Err(format!("{unknown} is no capability: name it as capabilities(7) does"));
    }
    let profile = default_profile(capabilities.bits);
    match form.as_str() {
        "oci" => oci(profile),
        "bpf" => bpf(&profile),
        other => Err(format!("{other} is no form: take oci or bpf")),
    }
}

/// As JSON, without the architectures that this machine has not.
fn oci(profile: Seccomp) -> Result<Vec<u8>, String> {
    let supported = supported_architectures();
    let mut value = serde_json::to_value(profile).map_err(|error| error.to_string())?;
    if let Some(architectures) = value["architectures"].as_array_mut() {
        architectures.retain(|name| name.as_str().is_some_and(|name| supported.contains(&name)));
    }
    Ok(format!("{value:#}\n").into_bytes())
}

/// As `struct sock_filter[]`.
fn bpf(profile: &Seccomp) -> Result<Vec<u8>, String> {
    let filter = compile(profile).map_err(|error| error.to_string())?;
    let bytes = |code: &libc::sock_filter| {
        let [code_low, code_high] = code.code.to_ne_bytes();
        let [k0, k1, k2, k3] = code.k.to_ne_bytes();
        [code_low, code_high, code.jt, code.jf, k0, k1, k2, k3]
    };
    Ok(filter.program.iter().flat_map(bytes).collect())
}
