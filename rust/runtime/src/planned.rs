//! From the text of a spec to its plan, and the plans that were made before: a program is often run again.
//!
//! A plan follows from the spec and the facts alone, so where both are what they were, it is too; where the program's
//! arguments are others, these are in one place of it. The facts are gathered every time.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::facts::Facts;
use crate::life::exec::enter;
use crate::plan::{Plan, plan};
use crate::spec::Spec;

/// How many plans are kept.
const MOST_KEPT: usize = 16;
/// The longest text whose plan is kept: with its tables a plan takes a few times as much.
const LONGEST_KEPT: usize = 64 * 1024;

struct Kept {
    text: Box<[u8]>,
    /// Where the program's arguments are in it, if they are: looked up when another text comes.
    arguments: OnceCell<Option<Range<usize>>>,
    spec: Spec,
    facts: Facts,
    plan: Arc<Plan>,
}

/// Those that were asked for last, the latest first. They are large, and seldom where the processor has them at hand: what
/// is moved is where they are.
#[allow(clippy::vec_box, reason = "a place among the others is changed with each start")]
static KEPT: Mutex<Vec<Box<Kept>>> = Mutex::new(Vec::new());

/// The plan of the spec with this JSON text, for somebody who `answers_calls` or not.
///
/// # Errors
/// As [`Spec::parse`], [`Facts::gather`] and [`plan`].
pub(crate) fn planned(text: &[u8], answers_calls: bool) -> Result<Arc<Plan>, Error> {
    let gather = |spec: &Spec| Ok(Facts { answers_calls, ..Facts::gather(spec)? });
    let kept = if let Some((mut kept, arguments)) = take(text) {
        if let Some(arguments) = arguments {
            kept.set_arguments(text, arguments)?;
        }
        let facts = gather(&kept.spec)?;
        if facts != kept.facts {
            kept.plan = Arc::new(plan(&kept.spec, &facts)?);
            kept.facts = facts;
        }
        kept
    } else {
        let spec = Spec::parse(text)?;
        if spec.minicontainer.container.is_some() {
            // What becomes of it depends on the container, and what that is now.
            let spec = enter(spec)?;
            return plan(&spec, &gather(&spec)?).map(Arc::new);
        }
        let facts = gather(&spec)?;
        let plan = Arc::new(plan(&spec, &facts)?);
        Box::new(Kept { text: text.into(), arguments: OnceCell::new(), spec, facts, plan })
    };
    let plan = Arc::clone(&kept.plan);
    if text.len() <= LONGEST_KEPT {
        let mut others = lock();
        others.insert(0, kept);
        others.truncate(MOST_KEPT);
    }
    Ok(plan)
}

/// What was made of a text before, or of one that differs from it in the program's arguments alone, and then these. Who
/// asks for the same until it is back has to make it anew.
fn take(text: &[u8]) -> Option<(Box<Kept>, Option<Vec<String>>)> {
    let mut kept = lock();
    if let Some(place) = kept.iter().position(|kept| *kept.text == *text) {
        return Some((kept.remove(place), None));
    }
    let mut alike = kept.iter().enumerate();
    let (place, arguments) = alike.find_map(|(place, kept)| Some((place, kept.other_arguments(text)?)))?;
    Some((kept.remove(place), Some(arguments)))
}

impl Kept {
    /// The arguments in another text, if all else in it is the same, and follows from the same.
    fn other_arguments(&self, text: &[u8]) -> Option<Vec<String>> {
        let place = self.arguments.get_or_init(|| place_of_arguments(&self.text)).as_ref()?;
        let json = text.strip_prefix(self.text.get(..place.start)?)?.strip_suffix(self.text.get(place.end..)?)?;
        let arguments: Vec<String> = serde_json::from_slice(json).ok()?;
        let program = self.spec.minicontainer.program.as_ref();
        (program.or(self.spec.process.args.first()) == program.or(arguments.first())).then_some(arguments)
    }

    fn set_arguments(&mut self, text: &[u8], arguments: Vec<String>) -> Result<(), Error> {
        Arc::make_mut(&mut self.plan).set_arguments(&arguments)?;
        if let Some(Some(place)) = self.arguments.get_mut() {
            place.end = text.len().saturating_sub(self.text.len().saturating_sub(place.end));
        }
        self.text = text.into();
        self.spec.process.args = arguments;
        Ok(())
    }
}

/// Where `process.args` is in a spec's text.
fn place_of_arguments(text: &[u8]) -> Option<Range<usize>> {
    #[derive(Deserialize)]
    struct Outline<'t> {
        #[serde(borrow)]
        process: Option<Process<'t>>,
    }
    #[derive(Deserialize)]
    struct Process<'t> {
        #[serde(borrow)]
        args: Option<&'t RawValue>,
    }
    let outline: Outline<'_> = serde_json::from_slice(text).ok()?;
    let json = outline.process?.args?.get();
    let start = json.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    Some(start..start.checked_add(json.len())?)
}

#[allow(clippy::vec_box, reason = "as they are kept")]
fn lock() -> MutexGuard<'static, Vec<Box<Kept>>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Held by each test: what one asks for would push out what another has just asked for.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(file: &str) -> Vec<u8> {
        format!(r#"{{"ociVersion":"1.2.0","process":{{"args":["true"]}},"minicontainer":{{"envFiles":[{file:?}]}}}}"#)
            .into_bytes()
    }

    #[test]
    fn a_plan_is_made_anew_where_the_text_or_a_fact_is_another() {
        let _alone = alone();
        let file = std::env::temp_dir().join(format!("minicontainer-planned-{}", std::process::id()));
        let write = |entry: &str| std::fs::write(&file, entry).unwrap();
        let text = text(file.to_str().unwrap());
        let environment = |plan: &Plan| {
            plan.environment().iter().map(|entry| entry.clone().into_string().unwrap()).collect::<Vec<_>>()
        };
        write("A=1");
        let first = planned(&text, false).unwrap();
        assert!(Arc::ptr_eq(&first, &planned(&text, false).unwrap()));
        assert!(!Arc::ptr_eq(&first, &planned(&text, true).unwrap()));
        write("A=2");
        let changed = planned(&text, false).unwrap();
        assert_eq!((environment(&first), environment(&changed)), (vec!["A=1".into()], vec!["A=2".into()]));
        std::fs::remove_file(&file).unwrap();
        assert!(planned(&text, false).is_err());
    }

    /// A container's spec with these fields of its process, as JSON has them, and so named a program.
    fn container(process: &str, program: &str) -> Vec<u8> {
        let namespaces = r#"[{"type":"pid"},{"type":"mount"}]"#;
        let mounts = r#"[{"destination":"/proc","type":"proc"}]"#;
        format!(
            r#"{{"ociVersion":"1.2.0","process":{{{process}}},"root":{{"path":"/"}},"mounts":{mounts},
            "linux":{{"namespaces":{namespaces}}},"minicontainer":{{{program}}}}}"#
        )
        .into_bytes()
    }

    /// What is planned anew, whatever is kept.
    fn anew(text: &[u8]) -> Result<Plan, Error> {
        let spec = Spec::parse(text)?;
        plan(&spec, &Facts::gather(&spec)?)
    }

    #[test]
    fn other_arguments_give_the_plan_that_is_made_anew_for_them() {
        let _alone = alone();
        let program = r#""program":"/bin/planned""#;
        let processes = [
            r#""cwd":"/","args":["a","b"],"env":["A=1"]"#,
            r#""cwd":"/","args":["a"],"env":["A=1"]"#,
            r#""cwd":"/","args": [ "ü\u00fc\"]}", "" , "c" ] ,"env":["A=1"]"#,
            r#""cwd":"/","args":["a","b"],"env":["A=2"]"#,
            r#""cwd":"/tmp","args":["a","b"],"env":["A=2"]"#,
        ];
        lock().clear();
        for (program, all) in [(program, 3), ("", 3 + 4)] {
            let mut held = Vec::new();
            for process in processes {
                let text = container(process, program);
                let made = planned(&text, false).unwrap();
                assert_eq!(format!("{made:?}"), format!("{:?}", anew(&text).unwrap()));
                assert!(Arc::ptr_eq(&made, &planned(&text, false).unwrap()));
                // Who runs the one before has it as it was.
                held.push((text, made));
            }
            for (text, made) in held {
                assert_eq!(format!("{made:?}"), format!("{:?}", anew(&text).unwrap()));
            }
            // Where nothing else does so, the first argument names the program.
            assert_eq!(lock().len(), all);
        }
    }

    #[test]
    fn arguments_that_are_none_are_refused_as_ever() {
        let _alone = alone();
        let program = r#""program":"/bin/refused""#;
        planned(&container(r#""args":["a"]"#, program), false).unwrap();
        for args in ["[]", r#""a""#, r#"["a",7]"#, r#"["a\u0000"]"#, r#"["a"],"args":["b"]"#, r#"["a"]]"#, ""] {
            let text = container(&format!(r#""args":{args}"#), program);
            let error = planned(&text, false).unwrap_err();
            assert_eq!(error, anew(&text).unwrap_err(), "{args}");
        }
    }

    #[test]
    fn the_place_of_the_arguments_is_that_of_the_programs() {
        let text = br#"{"args":["no"],"hooks":{"args":1},"process":{"env":["\"args\":[]"],"args" : ["yes"] }}"#;
        assert_eq!(&text[place_of_arguments(text).unwrap()], br#"["yes"]"#);
        for none in ["{}", r#"{"process":{}}"#, r#"{"process":{"args":null}}"#, "[", r#"{"process":1}"#] {
            assert_eq!(place_of_arguments(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn only_so_many_are_kept() {
        let _alone = alone();
        for number in 0..2 * MOST_KEPT {
            let text = format!(r#"{{"ociVersion":"1.2.0","process":{{"args":["{number}"]}}}}"#);
            planned(text.as_bytes(), false).unwrap();
        }
        let long = format!(r#"{{"ociVersion":"1.2.0","process":{{"args":["true","{}"]}}}}"#, "x".repeat(LONGEST_KEPT));
        planned(long.as_bytes(), false).unwrap();
        let kept = KEPT.lock().unwrap();
        assert!(kept.len() <= MOST_KEPT && kept.iter().all(|kept| kept.text.len() <= LONGEST_KEPT));
    }
}
