//! A part of caches and of memory's bandwidth, by a class of service, which is a folder of the resctrl filesystem: OCI
//! `linux.intelRdt`; Linux's Documentation/filesystems/resctrl.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;

use crate::error::Error;
use crate::spec::IntelRdt;

/// A class of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    folder: PathBuf,
    /// What stands in its `schemata`, in the order that it is written in.
    lines: Vec<String>,
}

impl Class {
    /// The class that a spec asks for, below the place where resctrl is mounted.
    ///
    /// # Errors
    /// [`Error::Spec`] where it is mounted nowhere, or what is asked for cannot be.
    pub(crate) fn of(given: &IntelRdt, mounted: Option<&str>) -> Result<Self, Error> {
        let Some(mounted) = mounted else {
            let message = "needs a mounted resctrl filesystem, which this host lacks: \
                mount -t resctrl resctrl /sys/fs/resctrl, where the processors have Intel RDT or AMD QoS";
            return Err(Error::spec("linux.intelRdt", message));
        };
        if given.enable_monitoring {
            return Err(Error::spec(
                "linux.intelRdt.enableMonitoring",
                "is not supported: give a closID, and watch that",
            ));
        }
        let field = "linux.intelRdt.closID";
        let id = given.clos_id.as_deref().ok_or_else(|| Error::spec(field, "must be given: a class of that name"))?;
        let folder = match id {
            "/" => PathBuf::from(mounted),
            "" | "." | ".." | "info" | "mon_groups" | "mon_data" => return Err(no_class(id)),
            id if id.contains(['/', '\0', '\n']) => return Err(no_class(id)),
            id => Path::new(mounted).join(id),
        };
        let named = [
            ("l3CacheSchema".to_string(), given.l3_cache_schema.as_ref(), "L3"),
            ("memBwSchema".to_string(), given.mem_bw_schema.as_ref(), "MB:"),
        ];
        let further = given.schemata.iter().enumerate();
        let further = further.map(|(index, line)| (format!("schemata[{index}]"), Some(line), ""));
        let mut lines = Vec::new();
        for (name, line, beginning) in named.into_iter().chain(further) {
            let Some(line) = line else { continue };
            if !line.starts_with(beginning) || line.contains('\n') || entries(line).is_none() {
                let example = if beginning == "MB:" { "MB:0=20;1=70" } else { "L3:0=7f0;1=1f" };
                let message = format!("must be a line such as {example}; it is {line:?}");
                return Err(Error::spec(format!("linux.intelRdt.{name}"), message));
            }
            lines.push(line.clone());
        }
        Ok(Self { folder, lines })
    }

    /// The file by which a process enters it.
    pub(crate) fn entrance(&self) -> PathBuf {
        self.folder.join("tasks")
    }

    /// Makes it, or sees that what is there is as it was asked for. It is not ours to remove.
    ///
    /// # Errors
    /// [`Error::System`] with what the kernel has to say.
    pub(crate) fn make(&self) -> Result<(), Error> {
        let shown = self.folder.display();
        let is_there = self.folder.is_dir();
        if !is_there && self.lines.is_empty() {
            let error = Error::system(format!("use the class of service {shown}"), Errno::ENOENT);
            return Err(error.with_advice("one without schemata must be there before"));
        }
        let schemata = self.folder.join("schemata");
        if is_there {
            let text = if self.lines.is_empty() { String::new() } else { read(&schemata)? };
            return match self.lines.iter().find(|line| !says(&text, line)) {
                Some(line) => {
                    let error = Error::system(format!("use the class of service {shown}"), Errno::EEXIST);
                    Err(error.with_advice(&format!("its schemata do not say {line:?}")))
                }
                None => Ok(()),
            };
        }
        fs::create_dir(&self.folder).map_err(|error| failed(&format!("make the class of service {shown}"), &error))?;
        for line in &self.lines {
            if let Err(error) = fs::write(&schemata, format!("{line}\n")) {
                let status = self.folder.parent().map(|mounted| mounted.join("info/last_cmd_status"));
                let said = status.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
                let _ = fs::remove_dir(&self.folder);
                return Err(
                    failed(&format!("write {line:?} to {}", schemata.display()), &error).with_advice(said.trim())
                );
            }
        }
        Ok(())
    }
}

fn no_class(id: &str) -> Error {
    Error::spec("linux.intelRdt.closID", format!("must be a folder's name, or /; it is {id:?}"))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| failed(&format!("read {}", path.display()), &error))
}

fn failed(operation: &str, error: &io::Error) -> Error {
    Error::system(operation, Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}

/// What a line is about, and each domain with its value.
fn entries(line: &str) -> Option<(&str, Vec<(u32, u64)>)> {
    let (about, domains) = line.split_once(':')?;
    let about = about.trim();
    // Bandwidth is a decimal number, a part of a cache a bit mask.
    let radix = if about.starts_with("MB") || about.starts_with("SMBA") { 10 } else { 16 };
    let entry = |text: &str| {
        let (domain, value) = text.split_once('=')?;
        Some((domain.trim().parse().ok()?, u64::from_str_radix(value.trim(), radix).ok()?))
    };
    Some((about, domains.split(';').map(entry).collect::<Option<_>>()?))
}

/// Whether a class's `schemata` say what `line` does, for each domain that it names.
fn says(schemata: &str, line: &str) -> bool {
    let Some((about, wanted)) = entries(line) else { return false };
    let found = schemata.lines().filter_map(entries).find(|(found, _)| *found == about);
    found.is_some_and(|(_, found)| wanted.iter().all(|entry| found.contains(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str, mounted: Option<&str>) -> Result<Class, Error> {
        Class::of(&serde_json::from_str(json).unwrap(), mounted)
    }

    fn path(json: &str) -> String {
        match of(json, Some("/r")) {
            Err(Error::Spec { path, .. }) => path,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_written_in_ocis_order() {
        let json = r#"{"closID": "a", "schemata": ["L2:0=f"], "memBwSchema": "MB:0=20", "l3CacheSchema": "L3:0=7f0"}"#;
        let class = of(json, Some("/r")).unwrap();
        assert_eq!((class.folder.as_path(), class.entrance()), (Path::new("/r/a"), PathBuf::from("/r/a/tasks")));
        assert_eq!(class.lines, ["L3:0=7f0", "MB:0=20", "L2:0=f"]);
        assert_eq!(of(r#"{"closID": "/"}"#, Some("/r")).unwrap().entrance(), PathBuf::from("/r/tasks"));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        assert!(matches!(of(r#"{"closID": "a"}"#, None), Err(Error::Spec { path, message })
            if path == "linux.intelRdt" && message.contains("mount -t resctrl")));
        for id in ["", ".", "..", "a/b", "../a", "info", "mon_groups"] {
            assert_eq!(path(&format!(r#"{{"closID": "{id}"}}"#)), "linux.intelRdt.closID");
        }
        assert_eq!(path("{}"), "linux.intelRdt.closID");
        assert_eq!(path(r#"{"closID": "a", "enableMonitoring": true}"#), "linux.intelRdt.enableMonitoring");
        assert_eq!(path(r#"{"closID": "a", "l3CacheSchema": "MB:0=1"}"#), "linux.intelRdt.l3CacheSchema");
        assert_eq!(path(r#"{"closID": "a", "memBwSchema": "MB:0"}"#), "linux.intelRdt.memBwSchema");
        assert_eq!(path(r#"{"closID": "a", "schemata": ["L2:0=f", "L2:0=f\nL3:0=f"]}"#), "linux.intelRdt.schemata[1]");
    }

    #[test]
    fn schemata_are_compared_by_what_they_say() {
        let schemata = "    L3:0=00007f0;1=0001f\n    MB:0= 20;1= 70\n";
        for line in ["L3:0=7f0", "L3:1=1F;0=7f0", "MB:1=70", "MB:0=020;1=70"] {
            assert!(says(schemata, line), "{line}");
        }
        for line in ["L3:0=7f", "L3:2=1f", "MB:0=2", "MB:0=20;1=71", "L2:0=1"] {
            assert!(!says(schemata, line), "{line}");
        }
    }

    /// Beside a kernel without resctrl a folder stands in for it; the kernel's own files are missing there.
    #[test]
    fn one_that_is_there_is_compared_and_another_made() {
        let mounted = std::env::temp_dir().join(format!("minicontainer-rdt-{}", std::process::id()));
        let class = |json: &str| of(json, mounted.to_str()).unwrap();
        fs::create_dir_all(mounted.join("a")).unwrap();
        fs::write(mounted.join("a/schemata"), "L3:0=7f0\n").unwrap();
        assert!(class(r#"{"closID": "a"}"#).make().is_ok());
        assert!(class(r#"{"closID": "a", "l3CacheSchema": "L3:0=7f0"}"#).make().is_ok());
        let differs = class(r#"{"closID": "a", "l3CacheSchema": "L3:0=7f"}"#).make().unwrap_err().to_string();
        assert!(differs.ends_with(r#"its schemata do not say "L3:0=7f""#), "{differs}");
        let missing = class(r#"{"closID": "b"}"#).make().unwrap_err().to_string();
        assert!(missing.contains("must be there before"), "{missing}");
        assert!(class(r#"{"closID": "b", "memBwSchema": "MB:0=20"}"#).make().is_ok());
        assert_eq!(fs::read_to_string(mounted.join("b/schemata")).unwrap(), "MB:0=20\n");
        fs::remove_dir_all(&mounted).unwrap();
    }
}
