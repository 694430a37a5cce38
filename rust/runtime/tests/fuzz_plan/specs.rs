//! Random specs: golden ones laid over each other, broken here and there, and at times no JSON any more.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::random::Random;

/// The golden specs: valid, and together with every field.
pub struct Corpus(Vec<Value>);

impl Corpus {
    pub fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/golden");
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        // The order that a folder has its files in is not a seed's.
        paths.sort();
        Self(paths.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect())
    }

    /// The text of a spec.
    pub fn spec(&self, random: &mut Random) -> Vec<u8> {
        let mut spec = random.pick(&self.0);
        for _ in 0..random.pick(&[0, 1, 1, 2, 3]) {
            lay_over(&mut spec, random.pick(&self.0), random);
        }
        for _ in 0..random.pick(&[0, 0, 0, 1, 1, 2, 4, 8]) {
            let donor = random.pick(&self.0);
            break_one(&mut spec, &donor, random);
        }
        let mut text = serde_json::to_vec(&spec).unwrap();
        if random.one_in(10) {
            break_text(&mut text, random);
        }
        text
    }
}

/// Objects become one, lists follow each other or take each other's place.
fn lay_over(below: &mut Value, above: Value, random: &mut Random) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                match below.get_mut(&name) {
                    Some(there) => lay_over(there, value, random),
                    None => drop(below.insert(name, value)),
                }
            }
        }
        (Value::Array(below), Value::Array(above)) => {
            // Namespaces may not stand there twice, and they would in nearly every spec.
            let kinds: Vec<Value> = below.iter().filter_map(|entry| entry.get("type").cloned()).collect();
            let is_new = |entry: &Value| {
                entry.get("destination").is_some() || entry.get("type").is_none_or(|kind| !kinds.contains(kind))
            };
            below.extend(above.into_iter().filter(is_new));
            if random.one_in(2) {
                below.reverse();
            }
        }
        (below, above) => *below = above,
    }
}

/// Changes a random value somewhere below.
fn break_one(value: &mut Value, donor: &Value, random: &mut Random) {
    let is_here = random.one_in(4);
    match value {
        Value::Object(fields) if !fields.is_empty() && !is_here => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = random.pick(&names);
            break_one(fields.get_mut(&name).unwrap(), donor, random);
        }
        Value::Array(entries) if !entries.is_empty() && !is_here => {
            let place = random.below(entries.len());
            break_one(&mut entries[place], donor, random);
        }
        Value::Object(fields) => break_object(fields, donor, random),
        Value::Array(entries) => match random.below(4) {
            0 => entries.clear(),
            1 => entries.extend(entries.clone()),
            2 => entries.push(hostile(random)),
            _ => *value = hostile(random),
        },
        other => *other = if random.one_in(4) { part_of(donor, random) } else { hostile(random) },
    }
}

fn break_object(fields: &mut Map<String, Value>, donor: &Value, random: &mut Random) {
    let names: Vec<String> = fields.keys().cloned().collect();
    match (random.below(4), names.is_empty()) {
        (0, false) => drop(fields.remove(&random.pick(&names))),
        (1, false) => drop(fields.insert(random.pick(&names), hostile(random))),
        (2, _) => {
            if let Value::Object(others) = donor {
                fields.extend(others.clone());
            }
        }
        _ => drop(fields.insert(text(random), hostile(random))),
    }
}

/// A value from somewhere in another spec, mostly of a wrong type where it comes to stand.
fn part_of(value: &Value, random: &mut Random) -> Value {
    let parts: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(entries) => entries.iter().collect(),
        _ => return value.clone(),
    };
    if parts.is_empty() || random.one_in(4) { value.clone() } else { part_of(random.pick(&parts), random) }
}

/// A value that a careless reader stumbles over.
fn hostile(random: &mut Random) -> Value {
    match random.below(8) {
        0 => {
            random.pick(&[Value::Null, json!(true), json!(false), json!([]), json!({}), json!([[]]), json!({"": null})])
        }
        1 => random.pick(&[json!(0), json!(-1), json!(1), json!(7), json!(340), json!(4096), json!(1_000_000_000)]),
        2 => random.pick(&[
            json!(i32::MAX),
            json!(i32::MIN),
            json!(u32::MAX),
            json!(1_u64 << 32),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1_u64 << 53),
        ]),
        3 => random.pick(&[json!(0.5), json!(-0.0), json!(1e300), json!(-1e300), json!(5e-324), json!(1e19)]),
        4 => {
            let depth = random.pick(&[3, 100, 140]);
            (0..depth).fold(json!(1), |value, _| json!([value]))
        }
        _ => Value::String(text(random)),
    }
}

const WORDS: [&str; 40] = [
    "",
    "/",
    ".",
    "..",
    "/..",
    "/a/../..",
    "//",
    "/dev",
    "/dev/null",
    "/proc",
    "a",
    "A",
    "=",
    "A=",
    "=1",
    "A=1",
    "-1",
    "0-3,7",
    "8191",
    "8192",
    "0-",
    ",",
    "bind",
    "rbind",
    "ro",
    "rro",
    "remount",
    "idmap",
    "ridmap",
    "tmpcopyup",
    "rshared",
    "unbindable",
    "size=64m",
    "mode=0755",
    "tmpfs",
    "cgroup",
    "user",
    "SCMP_ACT_NOTIFY",
    "CAP_SYS_ADMIN",
    "RLIMIT_NOFILE",
];

fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => "a".repeat(random.pick(&[64, 65, 255, 4095, 4096, 70_000])),
        1 => "a/".repeat(random.pick(&[100, 2047, 2048, 30_000])),
        2 => "../".repeat(random.pick(&[1, 30, 3000])),
        3 => format!("{}\0{}", random.pick(&WORDS), random.pick(&WORDS)),
        4 => random
            .pick(&["é", "☃", "\u{10ffff}", "\u{202e}", "a\u{300}", "\n", "\u{7f}", "\\", "\"", "%s", "\u{fffd}"])
            .into(),
        5 => format!("{}{}", random.pick(&WORDS), random.pick(&WORDS)),
        _ => random.pick(&WORDS).into(),
    }
}

/// Makes of JSON what is none, or what no writer of JSON would write.
fn break_text(text: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(text.len());
    match random.below(6) {
        0 => text.truncate(place),
        1 => text[place] = u8::try_from(random.below(256)).unwrap(),
        2 => drop(text.remove(place)),
        3 => text.insert(place, random.pick(b"{}[]\",:\\0-.e\xff")),
        // A property that stands there twice.
        4 => drop(text.splice(1..1, *br#""process":{"args":["x"]},"#)),
        _ => text.extend_from_slice(b"{}"),
    }
}
