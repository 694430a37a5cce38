//! What the child does about files, as people read it: by descriptors, or by mount(2).

use minicontainer_child::{Bind, Filesystem, Step};
use nix::libc;

use super::Line;
use crate::names::mount_attributes;
use crate::plan::Plan;
use crate::plan::words::{list, place, text};

/// The calls of a step.
pub(super) fn lines(plan: &Plan, step: Step) -> Vec<Line> {
    match step {
        Step::Mount(filesystem) => mount(plan, &filesystem),
        Step::Bind(bind) => bind_lines(plan, &bind),
        Step::StageFile { name, contents, mode } => {
            let length = plan.blobs.get(contents.0 as usize).map_or(0, Vec::len);
            vec![line(
                "openat",
                &["STAGE", &text(plan, name), "O_CREAT|O_EXCL", &format!("{mode:04o}"), &format!("[{length} bytes]")],
                "a file from memory",
                "open(2), write(2)",
            )]
        }
        Step::Mask { path } => vec![line(
            moving(plan),
            &["NOTHING", &text(plan, path)],
            "what tells of the host, or changes it, is covered",
            "mount(2); OCI maskedPaths",
        )],
        Step::Protect { path } => vec![line(
            if plan.has_classic_mounts { "mount" } else { "mount_setattr" },
            &[
                &text(plan, path),
                if plan.has_classic_mounts { "MS_REMOUNT|MS_BIND|MS_RDONLY" } else { "MOUNT_ATTR_RDONLY" },
            ],
            "what changes the host can only be read",
            "mount(2); OCI readonlyPaths",
        )],
        Step::MakeNode { place: at, mode, device: (major, minor), .. } => vec![line(
            "mknodat",
            &["ROOT", &place(plan, at), &node_mode(mode), &format!("{major}:{minor}")],
            "a device that every program expects",
            "mknod(2)",
        )],
        Step::BindNode { source, place: at, .. } => vec![line(
            moving(plan),
            &[&text(plan, source), &place(plan, at)],
            "a device of the host's, for none can be made in a user namespace",
            "user_namespaces(7)",
        )],
        Step::MakeLink { text: target, place: at } => {
            vec![line(
                "symlinkat",
                &[&text(plan, target), "ROOT", &place(plan, at)],
                "a name that programs expect",
                "symlink(2)",
            )]
        }
        _ => root_lines(plan, step),
    }
}

fn root_lines(plan: &Plan, step: Step) -> Vec<Line> {
    match step {
        Step::SetPropagation { flags } => vec![line(
            "mount",
            &["NULL", "\"/\"", "NULL", &mount_flags(flags)],
            if flags & libc::MS_SHARED == 0 {
                "what is mounted in here does not reach the host"
            } else {
                "what is mounted in here reaches who has a copy of this root"
            },
            "mount_namespaces(7)",
        )],
        Step::OpenRoot { path } => vec![line(
            "openat",
            &["AT_FDCWD", &text(plan, path), "O_PATH|O_DIRECTORY"],
            "the folder that becomes the root",
            "open(2)",
        )],
        Step::KeepRoot => vec![line(
            "openat",
            &["AT_FDCWD", "\"/\"", "O_PATH|O_DIRECTORY"],
            "the root stays, mounts are made in it",
            "open(2)",
        )],
        Step::MountStage { data, .. } => vec![line(
            mounting(plan),
            &["\"tmpfs\"", "FOLDER", &text(plan, data)],
            "a place for what must not stand in the folder",
            "tmpfs(5)",
        )],
        Step::BindRoot => vec![line(
            if plan.has_classic_mounts { "mount" } else { "open_tree" },
            &["FOLDER", if plan.has_classic_mounts { "MS_BIND|MS_REC" } else { "OPEN_TREE_CLONE|AT_RECURSIVE" }],
            "only a mount can become the root",
            "pivot_root(2), mount(2)",
        )],
        Step::OverlayRoot { layer, data, .. } => {
            let layer = layer.map(|layer| {
                line(moving(plan), &[&text(plan, layer), "LAYER"], "a folder for the layer", "open_tree(2), mount(2)")
            });
            let overlay = line(
                mounting(plan),
                &["\"overlay\"", "ROOT", &text(plan, data)],
                "what is written goes to a layer of its own",
                "kernel: filesystems/overlayfs",
            );
            layer.into_iter().chain([overlay]).collect()
        }
        Step::SendLayers { .. } => vec![line(
            "sendmsg",
            &["SOCKET", "{UPPER, LOWER}", "SCM_RIGHTS"],
            "the parent tells what was changed, once the program has ended",
            "unix(7)",
        )],
        Step::ProtectRoot { attributes } => protect_root(plan, attributes),
        Step::ChangeRoot { moves } => {
            let call = line("chroot", &["\".\""], "it becomes the root; the mounts above it stay", "chroot(2)");
            let moved = line("mount", &["\".\"", "\"/\"", "MS_MOVE"], "it hides the former root", "mount(2)");
            moves.then_some(moved).into_iter().chain([call]).collect()
        }
        Step::EnterRoot => vec![
            line("fchdir", &["ROOT"], "pivot_root works on the folder that one is in", "chdir(2)"),
            line(
                "pivot_root",
                &["\".\"", "\".\""],
                "it becomes the root; the former one is on top of it",
                "pivot_root(2)",
            ),
            line("umount2", &["\".\"", "MNT_DETACH"], "the former root is gone", "umount(2)"),
            line("chdir", &["\"/\""], "no folder of the former root is left open", "chdir(2)"),
        ],
        _ => vec![],
    }
}

fn protect_root(plan: &Plan, attributes: u64) -> Vec<Line> {
    let is_read_only = attributes & libc::MOUNT_ATTR_RDONLY != 0;
    let why = if is_read_only {
        "nothing in the root itself can be written to"
    } else {
        "devices are in /dev alone, none that somebody has put into the root"
    };
    if plan.has_classic_mounts {
        let flags = if is_read_only { "MS_REMOUNT|MS_BIND|MS_RDONLY" } else { "MS_REMOUNT|MS_BIND|MS_NODEV" };
        return vec![line("mount", &["ROOT", flags], why, "mount(2)")];
    }
    vec![line("mount_setattr", &["ROOT", &mount_attributes::flag_names(attributes)], why, "mount_setattr(2)")]
}

fn line(call: &'static str, arguments: &[&str], why: &str, page: &'static str) -> Line {
    Line::new("child", call, arguments.iter().map(ToString::to_string).collect(), why, page)
}

fn mounting(plan: &Plan) -> &'static str {
    if plan.has_classic_mounts { "mount" } else { "fsmount" }
}

fn moving(plan: &Plan) -> &'static str {
    if plan.has_classic_mounts { "mount" } else { "move_mount" }
}

fn open_place(plan: &Plan, at: minicontainer_child::Place) -> Line {
    line(
        "openat2",
        &["ROOT", &place(plan, at), "O_PATH", "RESOLVE_IN_ROOT"],
        "the place, resolved in the root and made if it is missing",
        "openat2(2)",
    )
}

fn mount(plan: &Plan, filesystem: &Filesystem) -> Vec<Line> {
    let at = place(plan, filesystem.place);
    let kind = text(plan, filesystem.kind);
    let why = format!("a {} of the container's own", kind.trim_matches('"'));
    let mut lines = vec![open_place(plan, filesystem.place)];
    if plan.has_classic_mounts {
        let flags = mount_flags(filesystem.flags);
        let arguments = [&text(plan, filesystem.source), &at, &kind, &flags, &text(plan, filesystem.data)];
        lines.push(line("mount", &arguments.map(String::as_str), &why, "mount(2)"));
        lines.extend(spread(plan, &at, filesystem.propagation));
        return lines;
    }
    lines.push(line("fsopen", &[&kind, "FSOPEN_CLOEXEC"], &why, "fsopen(2)"));
    let options = list(plan, filesystem.options);
    let options: Vec<String> = options
        .chunks_exact(2)
        .map(|pair| match pair {
            [name, value] if value.is_empty() => name.to_string_lossy().into_owned(),
            [name, value] => format!("{}={}", name.to_string_lossy(), value.to_string_lossy()),
            _ => String::new(),
        })
        .collect();
    if !options.is_empty() {
        lines.push(line("fsconfig", &["FILESYSTEM", &options.join(", ")], "its options", "fsconfig(2)"));
    }
    let attributes = mount_attributes::flag_names(filesystem.attributes);
    lines.push(line("fsmount", &["FILESYSTEM", "FSMOUNT_CLOEXEC", &attributes], "a mount of it", "fsmount(2)"));
    if filesystem.copies_up {
        lines.push(line(
            "sendfile",
            &["MOUNT", &at],
            "it begins with a copy of what it hides",
            "sendfile(2), getdents(2)",
        ));
    }
    lines.push(line("move_mount", &["MOUNT", &at], "by descriptors: nobody can swap the place", "move_mount(2)"));
    lines.extend(spread(plan, &at, filesystem.propagation));
    lines
}

fn bind_lines(plan: &Plan, bind: &Bind) -> Vec<Line> {
    let at = place(plan, bind.place);
    let source = if bind.is_staged { format!("STAGE {}", text(plan, bind.source)) } else { text(plan, bind.source) };
    let why = if bind.is_staged { "the file from memory" } else { "a part of the host's files" };
    let mut lines = vec![];
    if plan.has_classic_mounts {
        lines.push(open_place(plan, bind.place));
        let flags = if bind.recursive { "MS_BIND|MS_REC" } else { "MS_BIND" };
        lines.push(line("mount", &[&source, &at, "NULL", flags, "NULL"], why, "mount(2)"));
        if bind.flags != 0 {
            let flags = format!("MS_REMOUNT|MS_BIND|{}", mount_flags(bind.flags));
            lines.push(line("mount", &["NULL", &at, "NULL", &flags, "NULL"], "its attributes", "mount(2)"));
        }
        lines.extend(spread_bind(plan, &at, bind));
        return lines;
    }
    if bind.tree.is_none() {
        let flags = if bind.recursive { "OPEN_TREE_CLONE|AT_RECURSIVE" } else { "OPEN_TREE_CLONE" };
        lines.push(line("open_tree", &[&source, flags], why, "open_tree(2)"));
    }
    for (attributes, recursive) in [(bind.all_attributes, "AT_RECURSIVE"), (bind.attributes, "0")] {
        if attributes.set != 0 || attributes.clear != 0 {
            let set = format!("set {}", mount_attributes::flag_names(attributes.set));
            let clear = format!("clear {}", mount_attributes::flag_names(attributes.clear));
            lines.push(line(
                "mount_setattr",
                &["MOUNT", recursive, &set, &clear],
                "its attributes",
                "mount_setattr(2)",
            ));
        }
    }
    lines.push(open_place(plan, bind.place));
    lines.push(line("move_mount", &["MOUNT", &at], "by descriptors: nobody can swap the place", "move_mount(2)"));
    lines.extend(spread_bind(plan, &at, bind));
    lines
}

/// What a mount tells others of, and hears from them.
fn spread(plan: &Plan, at: &str, propagation: u64) -> Option<Line> {
    let (why, flags) = ("what it tells and hears", mount_flags(propagation));
    match (propagation, plan.has_classic_mounts) {
        (0, _) => None,
        (_, true) => Some(line("mount", &["NULL", at, "NULL", &flags, "NULL"], why, "mount(2)")),
        (_, false) => Some(line("mount_setattr", &["MOUNT", &flags], why, "mount_setattr(2)")),
    }
}

/// The same for a bind mount and, apart from it, for all below it.
fn spread_bind(plan: &Plan, at: &str, bind: &Bind) -> impl Iterator<Item = Line> {
    let below = match bind.all_attributes.propagation {
        0 => 0,
        propagation => propagation | libc::MS_REC,
    };
    [below, bind.attributes.propagation].into_iter().filter_map(move |propagation| spread(plan, at, propagation))
}

/// The kernel's words for the flags of mount(2): `MS_PRIVATE|MS_REC`; `0` for none.
fn mount_flags(flags: u64) -> String {
    const WORDS: [(u64, &str); 18] = [
        (libc::MS_RDONLY, "MS_RDONLY"),
        (libc::MS_NOSUID, "MS_NOSUID"),
        (libc::MS_NODEV, "MS_NODEV"),
        (libc::MS_NOEXEC, "MS_NOEXEC"),
        (libc::MS_SYNCHRONOUS, "MS_SYNCHRONOUS"),
        (libc::MS_MANDLOCK, "MS_MANDLOCK"),
        (libc::MS_DIRSYNC, "MS_DIRSYNC"),
        (libc::MS_NOSYMFOLLOW, "MS_NOSYMFOLLOW"),
        (libc::MS_NOATIME, "MS_NOATIME"),
        (libc::MS_NODIRATIME, "MS_NODIRATIME"),
        (libc::MS_RELATIME, "MS_RELATIME"),
        (libc::MS_STRICTATIME, "MS_STRICTATIME"),
        (libc::MS_LAZYTIME, "MS_LAZYTIME"),
        (libc::MS_PRIVATE, "MS_PRIVATE"),
        (libc::MS_SLAVE, "MS_SLAVE"),
        (libc::MS_SHARED, "MS_SHARED"),
        (libc::MS_UNBINDABLE, "MS_UNBINDABLE"),
        (libc::MS_REC, "MS_REC"),
    ];
    let words: Vec<&str> = WORDS.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, word)| *word).collect();
    if words.is_empty() { "0".into() } else { words.join("|") }
}

/// A file's type and permissions, as strace has them: `S_IFCHR|0666`.
fn node_mode(mode: u32) -> String {
    let kind = match mode & libc::S_IFMT {
        libc::S_IFCHR => "S_IFCHR",
        libc::S_IFBLK => "S_IFBLK",
        _ => "S_IFIFO",
    };
    format!("{kind}|{:04o}", mode & 0o7777)
}
