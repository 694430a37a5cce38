//! proc_pid_mountinfo(5): `36 35 98:0 /root /point rw,noatime master:1 - type source rw,options`.

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mount<'t> {
    /// Which folder of the filesystem is mounted.
    pub(crate) root: &'t str,
    /// Where.
    pub(crate) point: &'t str,
    /// The filesystem's type.
    pub(crate) kind: &'t str,
    /// The filesystem's own options.
    pub(crate) options: &'t str,
}

/// The mounts that this process sees, in their order.
pub(crate) fn mounts(mountinfo: &str) -> impl Iterator<Item = Mount<'_>> {
    mountinfo.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let (mut left, mut right) = (left.split(' ').skip(3), right.split(' '));
        let (root, point, kind) = (left.next()?, left.next()?, right.next()?);
        Some(Mount { root, point, kind, options: right.nth(1)? })
    })
}

/// The first thing below /proc that is covered by another mount; binfmt_misc has an empty folder made for it.
pub(crate) fn covered_proc(mountinfo: &str) -> Option<&str> {
    let points = mounts(mountinfo).map(|mount| mount.point);
    points.into_iter().find(|point| point.starts_with("/proc/") && *point != "/proc/sys/fs/binfmt_misc")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKER: &str = "\
1 0 0:5 / / rw - overlay overlay rw,lowerdir=/a
2 1 0:6 / /proc rw,nosuid shared:3 master:4 - proc proc rw
3 2 0:9 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw
4 2 0:7 /null /proc/kcore rw - tmpfs tmpfs rw,size=64k
";

    #[test]
    fn a_line_is_taken_apart_with_and_without_optional_fields() {
        let mounts: Vec<_> = mounts(DOCKER).collect();
        assert_eq!(mounts[0], Mount { root: "/", point: "/", kind: "overlay", options: "rw,lowerdir=/a" });
        assert_eq!(mounts[1], Mount { root: "/", point: "/proc", kind: "proc", options: "rw" });
        assert_eq!(mounts.len(), 4);
    }

    #[test]
    fn what_covers_proc_is_found_but_binfmt_misc_does_not_count() {
        assert_eq!(covered_proc(DOCKER), Some("/proc/kcore"));
        let host = DOCKER.split_inclusive('\n').take(3).collect::<String>();
        assert_eq!(covered_proc(&host), None);
    }
}
