//! Broken and random specs, on hosts that may not exist: each is planned or refused by a field's path, and none panics.
//!
//! `deno task fuzz [CASES] [SEED]` does more of it, faster. A case that fails prints its seed and its text.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod facts;
mod random;
mod specs;

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use minicontainer::error::Error;
use minicontainer::plan::{Plan, explain, operation, plan};
use minicontainer::spec::Spec;
use minicontainer_child::Step;

use facts::facts;
use random::Random;
use specs::Corpus;

const USUAL_CASES: u64 = 10_000;

/// Longer than any spec of this size can be worth, on the slowest of machines.
const LONGEST: Duration = Duration::from_secs(10);

/// The properties of a spec that a path can begin with.
const PROPERTIES: [&str; 8] =
    ["ociVersion", "process", "root", "mounts", "hostname", "domainname", "linux", "minicontainer"];

/// What is printed where a case fails.
struct Case {
    seed: u64,
    text: Vec<u8>,
}

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("deno task fuzz 1 {}\n{}", self.seed, String::from_utf8_lossy(&self.text));
        }
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn a_spec_is_planned_or_refused_by_its_field() {
    let (cases, first) = (number("FUZZ_CASES", USUAL_CASES), number("FUZZ_SEED", 1));
    let corpus = Corpus::read();
    let mut planned = 0;
    for seed in first..first.saturating_add(cases) {
        let mut random = Random::new(seed);
        let case = Case { seed, text: corpus.spec(&mut random) };
        let start = Instant::now();
        match Spec::parse(&case.text).and_then(|spec| plan(&spec, &facts(&mut random))) {
            Ok(plan) => {
                check_plan(&plan);
                planned += 1;
            }
            Err(error) => check_refusal(&error),
        }
        assert!(start.elapsed() < LONGEST, "it took {:?}", start.elapsed());
    }
    println!("{cases} specs: {planned} planned, {} refused", cases - planned);
    if cases >= USUAL_CASES {
        // Or they would not try much.
        assert!(planned > cases / 10 && planned < cases * 9 / 10, "{planned} of {cases} were planned");
    }
}

fn check_refusal(error: &Error) {
    let (path, message) = match error {
        Error::Spec { path, message } => (path, message),
        Error::Unsupported { feature, needs } => {
            assert!(!feature.is_empty() && !needs.is_empty(), "{error:?}");
            return;
        }
        _ => panic!("{error:?}"),
    };
    assert!(!message.is_empty(), "{error:?}");
    let property = path.split(['.', '[']).next().unwrap_or_default();
    assert!(path.is_empty() || PROPERTIES.contains(&property), "{error:?}");
    assert!(error.to_json().len() < 1 << 16);
}

/// A plan ends with the program, and can be told in words: `?` stands where a table lacks what a step names.
fn check_plan(plan: &Plan) {
    let execs = plan.steps.iter().filter(|step| matches!(step, Step::Exec { .. })).count();
    assert!(execs == 1 && matches!(plan.steps.last(), Some(Step::Exec { .. })), "{:?}", plan.steps);
    for line in explain(plan) {
        assert!(line.arguments.iter().all(|argument| argument != "?"), "{line:?}");
    }
    for step in &plan.steps {
        let words = operation(plan, *step);
        assert!(!words.is_empty() && !words.ends_with(" ?"), "{step:?}: {words}");
    }
    assert!(plan.program_paths(Path::new("/here")).next().is_some());
}
