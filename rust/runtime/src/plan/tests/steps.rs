//! Every step has lines in `explain` and words for its failure.

use minicontainer_child::{Attributes, Bind, Blob, Fd, Filesystem, Filter, Groups, List, Part, Place, Step, Str};

use super::{Facts, explain, operation, planned};

/// A list with one sample of each step; a step that is not in it does not compile, for a `match` over them lacks it.
macro_rules! samples {
    ($($name:ident $({ $($fields:tt)* })? $(($inner:expr))?),* $(,)?) => {
        const SAMPLES: &[Step] = &[$(Step::$name $({ $($fields)* })? $(($inner))?),*];

        fn name(step: &Step) -> &'static str {
            match step {
                $(Step::$name { .. } => stringify!($name)),*
            }
        }
    };
}

samples! {
    ReportIds,
    DieWithOwner { owner: Fd(0), signal: 9 },
    Monitor { namespaces: 0x2000_0000 },
    EnterCgroup { file: Fd(0) },
    Sync { part: Part::MapIds },
    JoinNamespace { namespace: Fd(0), kind: 0x2000_0000 },
    Unshare { flags: 0x80 },
    CloneAgain { copies: true },
    WriteFile { path: Str(0), text: Str(0) },
    SetHostname { name: Str(0) },
    SetDomainname { name: Str(0) },
    BringLoopbackUp,
    NewNetwork { spare: Fd(0) },
    SetPropagation { flags: 0 },
    OpenRoot { path: Str(0) },
    KeepRoot,
    MountStage { options: List(0), data: Str(0) },
    BindRoot,
    OverlayRoot { layer: None, options: List(0), data: Str(0) },
    SendLayers { socket: Fd(0) },
    Mount(FILESYSTEM),
    Bind(BIND),
    StageFile { name: Str(0), contents: Blob(0), mode: 0 },
    Mask { path: Str(0) },
    Protect { path: Str(0) },
    MakeNode { place: PLACE, mode: 0, device: (1, 3), owner: (0, 0) },
    BindNode { source: Str(0), place: PLACE, device: (1, 3) },
    MakeLink { text: Str(0), place: PLACE },
    ProtectRoot { attributes: 1 },
    EnterRoot,
    ChangeRoot { moves: true },
    NewSession,
    OpenTerminal { socket: Fd(0), streams: [true; 3], size: (0, 0), console: None },
    NewKeyring,
    SetRlimit { resource: 7, soft: 0, hard: 0 },
    SetScheduler { attributes: Blob(0) },
    SetMemoryPolicy { mode: 2, nodes: Blob(0) },
    SetAffinity { set: Blob(0) },
    SetIoPriority { priority: 0 },
    SetPersonality { domain: 0 },
    SetUmask { mask: 0 },
    Chdir { path: Str(0) },
    CheckFolder,
    CheckProgram { candidates: List(0) },
    FindProgram { candidates: List(0) },
    Hold,
    LimitCapabilities { keep: 0 },
    SetGroups { groups: Groups(0) },
    SetIds { uid: 0, gid: 0 },
    SetCapabilities { effective: 0, permitted: 0, inheritable: 0 },
    RaiseAmbient { set: 0 },
    ForbidNewPrivileges,
    RestrictFiles { handled: 0, read_only: List(0), read_access: 0, read_write: List(0) },
    InstallFilter { filter: Filter(0), flags: 0, listener: None },
    Dup { from: Fd(0), to: 1 },
    CloseFrom { first: 3, at_exec: false },
    ResetSignals { keep: 0 },
    UnblockSignals,
    Exec { candidates: List(0), argv: List(0), envp: List(0) },
}

const PLACE: Place = Place(List(0));

const FILESYSTEM: Filesystem = Filesystem {
    kind: Str(0),
    source: Str(0),
    options: List(0),
    data: Str(0),
    attributes: 0,
    flags: 0,
    propagation: 0,
    place: PLACE,
    copies_up: true,
    refuses_links: false,
};

const BIND: Bind = Bind {
    source: Str(0),
    is_staged: false,
    recursive: false,
    attributes: Attributes { set: 0, clear: 0, propagation: 0, user_namespace: 0 },
    all_attributes: Attributes { set: 0, clear: 0, propagation: 0, user_namespace: 0 },
    tree: None,
    ids_of: None,
    flags: 0,
    place: PLACE,
};

#[test]
fn every_step_has_lines_and_words() {
    // A plan with something in each table that a line or a word looks into.
    let json = r#"{"ociVersion": "1.2.0", "process": {"args": ["x"], "cwd": "/"},
        "minicontainer": {"stdio": ["null", "null", "null"]}}"#;
    for has_classic_mounts in [false, true] {
        for step in SAMPLES {
            let name = name(step);
            let mut plan = planned(json, Facts { has_classic_mounts, ..Facts::default() }).unwrap();
            let usual = explain(&plan).len();
            plan.steps.push(*step);
            let lines = explain(&plan);
            assert!(lines.len() > usual, "explain() has no line for {name}");
            for line in lines {
                assert!(!line.syscall.is_empty() && !line.why.is_empty(), "{name}: {line:?}");
                assert!(line.man_page.contains(['(', ':']), "{name}: {line:?}");
                assert!(line.arguments.iter().all(|argument| !argument.is_empty()), "{name}: {line:?}");
            }
            let words = operation(&plan, *step);
            assert!(!words.is_empty() && !words.ends_with(' '), "{name}: {words:?}");
        }
    }
}
