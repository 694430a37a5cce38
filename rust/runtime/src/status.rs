//! What proc_pid_status(5) says of this process: who it is and what it may do.

/// The fields of `/proc/self/status` that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// `CapEff`: bit N for capability N.
    pub capabilities: u64,
    /// Whether no program can gain privileges any more.
    pub no_new_privileges: bool,
    /// 0: no seccomp; 1: strict; 2: a filter.
    pub seccomp: u32,
}

/// `CAP_SYS_ADMIN` of capabilities(7).
const ADMIN: u32 = 21;

impl Status {
    /// Reads the file's text; what is missing is 0.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
        };
        let effective = |name| field(name).split_whitespace().nth(1).and_then(|id| id.parse().ok()).unwrap_or(0);
        Self {
            uid: effective("Uid"),
            gid: effective("Gid"),
            capabilities: u64::from_str_radix(field("CapEff").trim(), 16).unwrap_or(0),
            no_new_privileges: field("NoNewPrivs").trim() == "1",
            seccomp: field("Seccomp").trim().parse().unwrap_or(0),
        }
    }

    /// Whether this process has the capability of this number.
    #[must_use]
    pub fn has(&self, capability: u32) -> bool {
        self.capabilities.checked_shr(capability).unwrap_or(0) & 1 == 1
    }

    /// Whether it has CAP_SYS_ADMIN, which every namespace but `user` asks for.
    #[must_use]
    pub fn has_admin(&self) -> bool {
        self.has(ADMIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_and_an_empty_one_is_that_of_nobody_special() {
        let text = "Name:\tdeno\nUid:\t0\t1000\t0\t0\nGid:\t5\t6\t7\t8\nCapEff:\t0000000000200001\nNoNewPrivs:\t1\n\
                    Seccomp:\t2\nSeccomp_filters:\t3\n";
        let status = Status::parse(text);
        assert_eq!((status.uid, status.gid, status.no_new_privileges, status.seccomp), (1000, 6, true, 2));
        assert_eq!([0, 1, 21, 64].map(|number| status.has(number)), [true, false, true, false]);
        assert!(status.has_admin() && !Status::parse("").has_admin());
    }
}
