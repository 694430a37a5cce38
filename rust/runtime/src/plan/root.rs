//! The container's root: which folder it is, what is mounted in it, and how it is entered.

use minicontainer_child::{Part, Step};
use nix::libc;

use super::namespaces::{has_new, propagation_flags};
use super::{Descriptor, Passed, Plan, mounts, nodes};
use crate::error::Error;
use crate::facts::Facts;
use crate::names::mount_options::{Propagation, propagation};
use crate::spec::{NamespaceKind, Spec, Tty};

/// What new files of a container lack, where nothing else is asked for.
const USUAL_UMASK: u32 = 0o022;

/// Makes the root and what is in it, and enters it.
pub(super) fn enter(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    check(spec, facts)?;
    let wanted = wanted_propagation(spec)?;
    if has_new(spec, NamespaceKind::Mount) {
        // What the host's mounts tell ours of: nothing, but where somebody wants to hear of them. Never the other way,
        // or the root would be mounted on the host's own folder: what is wanted is set once it is entered.
        let flag = if hears(spec) { libc::MS_SLAVE } else { libc::MS_PRIVATE };
        plan.steps.push(Step::SetPropagation { flags: libc::MS_REC | flag });
    }
    let Some(root) = &spec.root else {
        open_session(plan, spec, facts)?;
        if !spec.mounts.is_empty() || !spec.linux.masked_paths.is_empty() || !spec.linux.readonly_paths.is_empty() {
            plan.steps.push(Step::KeepRoot);
            mounts::plan(plan, spec, facts)?;
            mounts::cover(plan, spec)?;
        }
        run_hooks(plan, spec, facts);
        return Ok(());
    };
    plan.steps.push(Step::SetUmask { mask: USUAL_UMASK });
    let path = facts.absolute(&root.path)?;
    let path = plan.text(&path, || "root.path".into())?;
    plan.steps.push(Step::OpenRoot { path });
    lay(plan, spec, facts)?;
    if nodes::are_mounted(spec) {
        plan.steps.push(Step::ProtectRoot { attributes: libc::MOUNT_ATTR_NODEV });
    }
    mounts::plan(plan, spec, facts)?;
    nodes::plan(plan, spec, facts)?;
    mounts::files(plan, spec)?;
    open_session(plan, spec, facts)?;
    mounts::cover(plan, spec)?;
    if root.readonly {
        plan.steps.push(Step::ProtectRoot { attributes: libc::MOUNT_ATTR_RDONLY });
    }
    run_hooks(plan, spec, facts);
    plan.steps.push(match (shares_mounts(spec), spec.minicontainer.no_pivot) {
        (false, false) => Step::EnterRoot,
        (is_shared, _) => Step::ChangeRoot { moves: !is_shared },
    });
    if let Some(Propagation { flag, recursive }) = wanted {
        plan.steps.push(Step::SetPropagation { flags: propagation_flags(flag, recursive) });
    }
    Ok(())
}

/// The hooks of OCI that come when all is mounted, and the host's files can still be seen.
fn run_hooks(plan: &mut Plan, spec: &Spec, facts: &Facts) {
    if facts.holds && spec.hooks.come_before_the_root() {
        plan.steps.push(Step::Sync { part: Part::RunHooks });
    }
}

/// Whether the root is mounted among others' mounts.
#[must_use]
pub fn shares_mounts(spec: &Spec) -> bool {
    spec.root.is_some() && !has_new(spec, NamespaceKind::Mount)
}

fn check(spec: &Spec, facts: &Facts) -> Result<(), Error> {
    match &spec.root {
        Some(root) if root.path.is_empty() => Err(Error::spec("root.path", "must name a folder; it is empty")),
        // Who creates containers removes what is left of their mounts.
        Some(_) if shares_mounts(spec) && !facts.holds => {
            Err(Error::spec("root", "needs a mount namespace of the container's own, not one that is joined"))
        }
        Some(_) => Ok(()),
        None => {
            let needing = [
                ("minicontainer.overlay", spec.minicontainer.overlay.is_some()),
                ("minicontainer.files", !spec.minicontainer.files.is_empty()),
                ("linux.devices", !spec.linux.devices.is_empty()),
                ("linux.rootfsPropagation", spec.linux.rootfs_propagation.is_some()),
            ];
            match needing.iter().find(|(_, is_given)| *is_given) {
                Some((field, _)) => Err(Error::spec(*field, "needs a root filesystem: root.path")),
                None => Ok(()),
            }
        }
    }
}

fn wanted_propagation(spec: &Spec) -> Result<Option<Propagation>, Error> {
    let Some(name) = spec.linux.rootfs_propagation.as_deref().filter(|name| !name.is_empty()) else { return Ok(None) };
    propagation(name).map(Some).ok_or_else(|| {
        let known = "private, shared, slave or unbindable, or one of these with an r before it";
        Error::spec("linux.rootfsPropagation", format!("must be {known}; it is {name:?}"))
    })
}

/// Whether the root, or a mount, is to hear of the host's later mounts.
pub(super) fn hears(spec: &Spec) -> bool {
    let hears = |option: &str| propagation(option).is_some_and(hears_of_others);
    let root = spec.linux.rootfs_propagation.as_deref();
    root.is_some_and(hears) || spec.mounts.iter().flat_map(|mount| &mount.options).any(|option| hears(option))
}

fn hears_of_others(propagation: Propagation) -> bool {
    propagation.flag & (libc::MS_SHARED | libc::MS_SLAVE) != 0
}

/// The folder itself, or as the lower layer of an overlay, with a stage below it where one is needed.
fn lay(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    let extras = &spec.minicontainer;
    if extras.overlay.is_none() && extras.files.is_empty() {
        plan.steps.push(Step::BindRoot);
        return Ok(());
    }
    let size = extras.overlay.as_ref().and_then(|overlay| overlay.size_bytes);
    if size.is_some_and(|size| !(1.0..=MOST_BYTES).contains(&size)) {
        return Err(Error::spec("minicontainer.overlay.sizeBytes", "must be a number of bytes above 0"));
    }
    let mut stage = vec!["mode=0755".to_string()];
    stage.extend(size.map(|size| format!("size={size:.0}")));
    let (options, data) = mounts::options(plan, &stage, "minicontainer.overlay")?;
    plan.steps.push(Step::MountStage { options, data });
    let Some(overlay) = &extras.overlay else {
        plan.steps.push(Step::BindRoot);
        return Ok(());
    };
    let layer = overlay.folder.as_ref().map(|folder| {
        let folder = facts.absolute(folder)?;
        plan.text(&folder, || "minicontainer.overlay.folder".into())
    });
    // Names in the stage, where the step has gone to.
    let mut layers: Vec<String> =
        ["lowerdir=lower", "upperdir=layer/upper", "workdir=layer/work"].map(String::from).into();
    if super::namespaces::has_user_namespace(spec) {
        // Overlayfs' own marks, where nobody may write attributes of `trusted.`.
        layers.push("userxattr".into());
    }
    let (options, data) = mounts::options(plan, &layers, "minicontainer.overlay")?;
    plan.steps.push(Step::OverlayRoot { layer: layer.transpose()?, options, data });
    if overlay.diff {
        let socket = plan.descriptor(Descriptor::Socket(Passed::Layers));
        plan.steps.push(Step::SendLayers { socket });
    }
    Ok(())
}

/// More than any filesystem can be.
const MOST_BYTES: f64 = 9_007_199_254_740_992.0;

/// Which of the program's streams are a terminal of its own; none: it gets no terminal.
pub(super) fn terminal_streams(spec: &Spec, facts: &Facts) -> [bool; 3] {
    if spec.process.terminal || spec.minicontainer.tty == Tty::Always { [true; 3] } else { facts.terminals }
}

/// A session of the program's own, and a terminal, where one is asked for.
fn open_session(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    let streams = terminal_streams(spec, facts);
    let has_terminal = streams.contains(&true);
    // Without a session of its own, the program could type on our terminal (TIOCSTI: CVE-2017-5226).
    let is_kept_off = spec.root.is_some() || spec.minicontainer.tty == Tty::Auto;
    if spec.minicontainer.new_session || is_kept_off || has_terminal {
        plan.steps.push(Step::NewSession);
    }
    if has_terminal {
        let socket = plan.descriptor(Descriptor::Socket(Passed::Terminal));
        let console = match &spec.root {
            Some(_) => Some(plan.place("/dev/console", || "process.terminal".into())?),
            None => None,
        };
        let size = spec.process.console_size.map(|size| (size.height, size.width)).or(facts.terminal_size);
        plan.steps.push(Step::OpenTerminal { socket, size: size.unwrap_or_default(), console, streams });
    }
    Ok(())
}

/// Where the program starts.
pub(super) fn change_folder(plan: &mut Plan, spec: &Spec) -> Result<(), Error> {
    let cwd = &spec.process.cwd;
    if spec.root.is_some() {
        if !cwd.is_empty() && !cwd.starts_with('/') {
            return Err(Error::spec("process.cwd", format!("must be an absolute path in a container; it is {cwd:?}")));
        }
        let path = if cwd.is_empty() { "/" } else { cwd };
        let path = plan.text(path, || "process.cwd".into())?;
        plan.steps.extend([Step::Chdir { path }, Step::CheckFolder]);
    } else if !cwd.is_empty() {
        let path = plan.text(cwd, || "process.cwd".into())?;
        plan.steps.push(Step::Chdir { path });
        if plan.has_foreign_files() {
            plan.steps.push(Step::CheckFolder);
        }
    }
    Ok(())
}
