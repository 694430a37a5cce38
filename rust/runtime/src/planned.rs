//! From the text of a spec to its plan, and the plans that were made before: a program is often run again.
//!
//! A plan follows from the spec and the facts alone, so where both are what they were, it is too. The facts are
//! gathered every time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    let kept = if let Some(mut kept) = take(text) {
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
        Box::new(Kept { text: text.into(), spec, facts, plan })
    };
    let plan = Arc::clone(&kept.plan);
    if text.len() <= LONGEST_KEPT {
        let mut others = lock();
        others.insert(0, kept);
        others.truncate(MOST_KEPT);
    }
    Ok(plan)
}

/// What was made of a text before; who asks for the same until it is back has to make it anew.
fn take(text: &[u8]) -> Option<Box<Kept>> {
    let mut kept = lock();
    let place = kept.iter().position(|kept| *kept.text == *text)?;
    Some(kept.remove(place))
}

#[allow(clippy::vec_box, reason = "as they are kept")]
fn lock() -> MutexGuard<'static, Vec<Box<Kept>>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &str) -> Vec<u8> {
        format!(r#"{{"ociVersion":"1.2.0","process":{{"args":["true"]}},"minicontainer":{{"envFiles":[{file:?}]}}}}"#)
            .into_bytes()
    }

    #[test]
    fn a_plan_is_made_anew_where_the_text_or_a_fact_is_another() {
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

    #[test]
    fn only_so_many_are_kept() {
        for number in 0..2 * MOST_KEPT {
            let text = format!(r#"{{"ociVersion":"1.2.0","process":{{"args":["true","{number}"]}}}}"#);
            planned(text.as_bytes(), false).unwrap();
        }
        let long = format!(r#"{{"ociVersion":"1.2.0","process":{{"args":["true","{}"]}}}}"#, "x".repeat(LONGEST_KEPT));
        planned(long.as_bytes(), false).unwrap();
        let kept = KEPT.lock().unwrap();
        assert!(kept.len() <= MOST_KEPT && kept.iter().all(|kept| kept.text.len() <= LONGEST_KEPT));
    }
}
