//! Starts a hundred programs through the crate's public API, in every way that a start can go, and tells how many went
//! how: half of them one after the other, half of them at once. It is what a leak check runs: whatever a start allocates
//! or opens is used here, and given back, many times.
//!
//! With `--hold` it then waits until its stdin is closed, so that others can see what is left of them. With `--leak` it
//! loses some memory on purpose, so that a check can be seen to find it.
//!
//! ```text
//! $ cargo run -p minicontainer --example spawn_children
//! 10 cannot change to directory "/no/such/folder": no such file or directory
//! …
//! 30 exited with status 0
//! 100 in all
//! ```

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use minicontainer::error::Error;
use minicontainer::facts::Facts;
use minicontainer::launch::wait::End;
use minicontainer::plan::{Plan, plan};
use minicontainer::reactor::{ENDS, Reactor};
use minicontainer::run::run;
use minicontainer::spec::Spec;

/// What is started, as properties of a spec: programs, and a container that runs and one that fails. Without
/// CAP_SYS_ADMIN most namespaces are refused: one more way to go.
const SPECS: [&str; 10] = [
    r#""process": {"args": ["/bin/true"]}"#,
    r#""process": {"args": ["sh", "-c", "exit 3"], "env": ["PATH=/no/such/folder:/bin"]}"#,
    r#""process": {"args": ["/bin/sh", "-c", "kill -KILL $$"]}"#,
    r#""process": {"args": ["/bin/sleep", "60"]}, "minicontainer": {"timeoutMs": 50}"#,
    r#""process": {"args": ["/bin/cat"]}, "minicontainer": {"inheritEnv": true, "stdio": ["null", "null", "null"]}"#,
    r#""process": {"args": ["/bin/sh", "-c", "/bin/sleep 60 & exit 4"]}, "linux": {"namespaces": [{"type": "pid"}]}"#,
    r#""process": {"args": ["/bin/true"], "noNewPrivileges": true}, "root": {"path": "/"}, "hostname": "box",
        "mounts": [{"destination": "/proc", "type": "proc"}, {"destination": "/mnt", "type": "tmpfs"}],
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "network"}, {"type": "uts"}, {"type": "ipc"}],
            "maskedPaths": ["/proc/kcore"]},
        "minicontainer": {"killOnExit": true, "overlay": {}, "seccompProfile": "default", "devices": "none",
            "files": [{"path": "/etc/motd", "content": "aGVsbG8K"}]}"#,
    r#""process": {"args": ["/no/such/program"]}"#,
    r#""process": {"args": ["/bin/true"], "cwd": "/no/such/folder"}, "root": {"path": "/"},
        "mounts": [{"destination": "/proc", "type": "proc"}],
        "linux": {"namespaces": [{"type": "user"}, {"type": "pid"}, {"type": "mount"}]},
        "minicontainer": {"devices": "none", "stdio": ["null", "piped", "piped"]}"#,
    r#""process": {"args": []}"#,
];
/// How often each of them is started in each of the two ways.
const TIMES: u32 = 5;

/// How many went how.
type Counts = BTreeMap<String, u32>;

fn main() -> Result<(), String> {
    let mut counts = Counts::new();
    for _ in 0..TIMES {
        one_after_the_other(&mut counts);
        at_once(&mut counts).map_err(|error| error.to_string())?;
    }
    for (how, count) in &counts {
        println!("{count} {how}");
    }
    println!("{} in all", counts.values().sum::<u32>());
    let is_given = |option| std::env::args().any(|argument| argument == option);
    if is_given("--leak") {
        lose_memory();
    }
    if is_given("--hold") {
        // An error is an end too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    }
    Ok(())
}

/// Several times over: an address that still lies in some register hides one of them.
fn lose_memory() {
    for number in 0..100 {
        std::mem::forget(std::hint::black_box(Box::new([number; 16])));
    }
}

fn one_after_the_other(counts: &mut Counts) {
    for properties in SPECS {
        let outcome = planned(properties).and_then(|plan| run(&Arc::new(plan)));
        let how = outcome.map_or_else(|error| error.to_string(), |outcome| ended(outcome.exit.end));
        *counts.entry(how).or_default() += 1;
    }
}

fn at_once(counts: &mut Counts) -> Result<(), Error> {
    let reactor = Reactor::new()?;
    let mut running = 0;
    for (token, properties) in (1..).zip(SPECS) {
        match planned(properties).and_then(|plan| reactor.spawn(token, Arc::new(plan))) {
            Ok(_) => running += 1,
            Err(error) => *counts.entry(error.to_string()).or_default() += 1,
        }
    }
    let mut records = [0; 4096];
    while running > 0 {
        let length = reactor.wait(ENDS, &mut records, -1)?;
        for record in records[..length].chunks_exact(RECORD_BYTES) {
            *counts.entry(ended(end_in(record))).or_default() += 1;
            running -= 1;
        }
    }
    Ok(())
}

fn planned(properties: &str) -> Result<Plan, Error> {
    let spec = Spec::parse(format!(r#"{{"ociVersion": "1.2.0", {properties}}}"#).as_bytes())?;
    plan(&spec, &Facts::gather(&spec)?)
}

fn ended(end: End) -> String {
    match end {
        End::Exited(status) => format!("exited with status {status}"),
        End::Signaled(signal) => format!("ended by signal {signal}"),
    }
}

/// A record that tells of an end, as the library lays it out for Deno: the code at 12, at 16 whether it is a status.
const RECORD_BYTES: usize = 56;

fn end_in(record: &[u8]) -> End {
    let word = |at: usize| i32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    if word(16) & 1 == 1 { End::Exited(word(12)) } else { End::Signaled(word(12)) }
}
