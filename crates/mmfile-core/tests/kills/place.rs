//! Where the objects of a test are, and how they come to their names there.
#![cfg_attr(not(feature = "fault-points"), allow(dead_code, reason = "the named points use it"))]

use super::support::raw::Raw;
use super::support::{self, Actor, Folder, common_part, say};
use mmfile_core::*;
use std::path::PathBuf;
use std::time::Duration;

/// How an object is staged until it has its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staging {
    /// Under a staging name, in the system's folder.
    Named,
    /// Without a name, in the system's folder: it is large enough.
    Large,
    /// Without a name, in a folder on disk.
    Folder,
    /// Under a staging name, in a folder on disk where the system refuses to link what has no name.
    NoLinks,
    /// Under a staging name that is linked and removed, where the system cannot rename without overwriting.
    NoRename,
}

impl Staging {
    /// Those of this platform.
    pub const ALL: &[Self] = if cfg!(all(target_os = "linux", not(mmfile_portable))) {
        &[Self::Named, Self::Large, Self::Folder, Self::NoLinks, Self::NoRename]
    } else if cfg!(mmfile_portable) {
        &[Self::Named, Self::Folder, Self::NoRename]
    } else if cfg!(unix) {
        &[Self::Named, Self::Folder]
    } else {
        &[Self::Named]
    };

    /// Has the system refuse to this thread what it refuses at such a place.
    pub fn refuse(self) {
        #[cfg(target_os = "linux")]
        {
            use super::support::sandbox::{Refusal, refuse};
            let call = match self {
                Self::NoLinks => libc::SYS_linkat,
                Self::NoRename => libc::SYS_renameat2,
                _ => return,
            };
            refuse(&[Refusal { call, argument: None, errno: libc::ENOSYS }]);
        }
    }

    /// Whether a process that dies while it creates something leaves a staging object: always where objects
    /// have anchors.
    pub fn has_name(self) -> bool {
        matches!(self, Self::Named | Self::NoLinks | Self::NoRename)
            || cfg!(any(target_os = "macos", mmfile_portable))
    }

    /// The points that a process passes while the object has both names.
    pub fn publishing(self) -> &'static [&'static str] {
        if self == Self::NoRename { &["unlink.begin", "unlink.done"] } else { &[] }
    }

    /// How often a point has been passed when the object is staged for the last time: where links are
    /// refused, the first attempt, without a name, failed after it had reserved `parts` parts of memory.
    pub fn passing(self, point: &str, parts: u32) -> String {
        let number = match point {
            _ if self != Self::NoLinks => 1,
            "fill.part" => parts + 1,
            "stage.made" | "ftruncate" | "create.joined" | "create.reserved"
            | "create.described" => 2,
            _ => 1,
        };
        format!("{point}:{number}")
    }
}

/// A place that no other test has.
pub struct Place {
    pub prefixes: Prefixes,
    pub staging: Staging,
    directory: Option<PathBuf>,
    /// The test's, which ends with it.
    folder: Option<Folder>,
}

impl Place {
    pub fn new(staging: Staging, topic: &str) -> Self {
        let in_folder = matches!(staging, Staging::Folder | Staging::NoLinks);
        let folder = in_folder.then(|| Folder::new(&format!("kills-{topic}")));
        let directory = folder.as_ref().map(|folder| folder.path().to_owned());
        Self { prefixes: support::own_prefixes(topic), staging, directory, folder }
    }

    /// The place of the test that started this process, and the arguments after it.
    pub fn of(args: &[String]) -> (Self, &[String]) {
        let staging = Staging::ALL.iter().find(|staging| format!("{staging:?}") == args[2]);
        staging.unwrap().refuse();
        let place = Self {
            prefixes: Prefixes::new(&args[0], &args[1]).unwrap(),
            staging: *staging.unwrap(),
            directory: (!args[3].is_empty()).then(|| args[3].clone().into()),
            folder: None,
        };
        (place, &args[4..])
    }

    /// Starts a process that dies at `fault`.
    pub fn start(&self, test: &str, role: &str, args: &[&str], fault: &str) -> Actor {
        let staging = format!("{:?}", self.staging);
        let directory = self.directory.as_ref().map_or("", |path| path.to_str().unwrap());
        let mut all = vec![self.prefixes.data(), self.prefixes.mutex(), &staging, directory];
        all.extend(args);
        start(test, role, &all, fault)
    }

    /// How much room the file has that is created here: of more than one part, of which the first is filled.
    pub fn capacity(&self) -> u64 {
        if self.staging == Staging::Large { 1 << 20 } else { 100_000 }
    }

    pub fn create_options(&self, id: &str, lifetime: Lifetime) -> CreateOptions {
        CreateOptions {
            id: Some(FileId::parse(id).unwrap()),
            lifetime,
            lock_timeout: Duration::from_secs(20),
            directory: self.directory.clone(),
            prefixes: self.prefixes.clone(),
            ..Default::default()
        }
    }

    pub fn open_options(&self) -> OpenOptions {
        OpenOptions::from(&self.create_options("any", Lifetime::Creator))
    }

    pub fn list_options(&self) -> ListOptions {
        ListOptions {
            directory: self.directory.clone(),
            prefixes: self.prefixes.clone(),
            mutex_prefix: Some(self.mutex_options().prefix),
        }
    }

    pub fn mutex_options(&self) -> MutexOptions {
        MutexOptions {
            directory: self.directory.clone(),
            prefix: format!("{}mutex-", common_part(&self.prefixes)),
            lock_timeout: Duration::from_secs(20),
        }
    }

    pub fn create(&self, id: &str, lifetime: Lifetime) -> Result<MmFile> {
        MmFile::create_new(self.capacity(), &self.create_options(id, lifetime))
    }

    pub fn create_or_open(&self, id: &str) -> Result<MmFile> {
        let options = self.create_options(id, Lifetime::LastProcess);
        MmFile::create_or_open(id, self.capacity(), &options)
    }

    pub fn open(&self, id: &str) -> Result<MmFile> {
        MmFile::open_existing(id, &self.open_options())
    }

    /// The bytes of a file's data and of its control block.
    pub fn raw(&self, id: &str, capacity: u64) -> (Raw, Raw) {
        let Some(folder) = &self.folder else {
            return (Raw::data(&self.prefixes, id), Raw::control(&self.prefixes, id));
        };
        let path = folder.file(&format!("{}{id}", self.prefixes.data()));
        let [data, control] = [(); 2].map(|()| Raw::open(path.to_str().unwrap()));
        (data.part(0, capacity as usize), control.end())
    }

    /// The names of all objects that are here.
    pub fn names(&self) -> Vec<String> {
        match &self.folder {
            Some(folder) => folder.names(),
            None => support::left_behind(common_part(&self.prefixes)),
        }
    }

    /// After one sweep nothing is here: no object, and no staging object.
    pub fn sweep_leaves_nothing(&self, what: &str) {
        sweep(&self.list_options()).unwrap();
        assert_eq!(self.names(), [""; 0], "{what}");
    }
}

/// Starts a process that dies at `fault`.
pub fn start(test: &str, role: &str, args: &[&str], fault: &str) -> Actor {
    let mut command = support::command(test, role, args);
    command.env("MMFILE_FAULT", fault);
    Actor::spawn(command)
}

/// Has this process say so at once when it panics, in case it is killed while it ends.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        say(format_args!("panicked: {panic}"));
        std::process::exit(101);
    }));
}
