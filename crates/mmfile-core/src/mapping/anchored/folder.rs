//! The folder of this user in which a small file stands for each object: its anchor.

use super::system;
use crate::error::{Error, OsError, Result};
use crate::mapping::current_user;
use crate::mapping::object::{Object, from_errno, fstat, retry};
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the name of an anchor gets whose memory is about to be taken away. No name contains a `+`.
const GONE: &str = "+gone";

/// The folder, open, and known to be this user's alone.
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder, and makes it where it is missing. Whoever gave it to somebody else, or let
    /// others in, is refused.
    pub(super) fn open() -> Result<Self> {
        let path = system::folder()?;
        let id = path.to_string_lossy().into_owned();
        let text = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| Error::Unsupported { what: "a folder whose name contains a NUL" })?;
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let open = || {
            retry(|| {
                // SAFETY: a NUL-terminated string that outlives the call.
                unsafe { libc::open(text.as_ptr(), flags) }
            })
        };
        let opened = match open() {
            Err(libc::ENOENT) => {
                // SAFETY: as above. Somebody else may make it at the same moment.
                unsafe { libc::mkdir(text.as_ptr(), 0o700) };
                open()
            }
            opened => opened,
        };
        let raw = opened.map_err(|errno| from_errno(OsError { syscall: "open", errno }, &id, 0))?;
        // SAFETY: a descriptor that was opened just now and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        let stat = fstat(&fd)?;
        if stat.st_uid != current_user() || stat.st_mode & 0o077 != 0 {
            let reason = "the folder of mmfile's objects is not this user's alone";
            return Err(Error::Access { id, reason, os: None });
        }
        Ok(Self { fd, path })
    }

    /// Opens an anchor of this user's, or makes one, as `flags` say.
    pub(super) fn anchor(&self, name: &str, flags: i32, id: &str) -> Result<Object> {
        let refuse = |reason| Err(Error::Access { id: id.into(), reason, os: None });
        let file = c_string(encode(name))?;
        let flags = flags | libc::O_RDWR | libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let raw = retry(|| {
            // SAFETY: a NUL-terminated string that outlives the call, and an open folder.
            unsafe { libc::openat(self.fd.as_raw_fd(), file.as_ptr(), flags, 0o600) }
        })
        .map_err(|errno| from_errno(OsError { syscall: "openat", errno }, id, 0))?;
        // SAFETY: a descriptor that was opened just now and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        let stat = fstat(&fd)?;
        if stat.st_uid != current_user() {
            return refuse("it belongs to another user");
        }
        if stat.st_mode & 0o077 != 0 && stat.st_mode & libc::S_IFMT == libc::S_IFREG {
            return refuse("its permissions let other users in");
        }
        Object::examined(fd, &stat, id)
    }

    /// Takes an anchor away.
    pub(super) fn unlink(&self, name: &str) -> bool {
        c_string(encode(name)).is_ok_and(|file| self.unlink_file(&file))
    }

    fn unlink_file(&self, file: &CString) -> bool {
        // SAFETY: a NUL-terminated string that outlives the call, and an open folder.
        unsafe { libc::unlinkat(self.fd.as_raw_fd(), file.as_ptr(), 0) == 0 }
    }

    /// Nobody finds the anchor from now on; what it stood for is to go.
    pub(super) fn set_aside(&self, name: &str) -> bool {
        let file = encode(name);
        let (Ok(from), Ok(to)) = (c_string(file.clone()), c_string(file + GONE)) else {
            return false;
        };
        let folder = self.fd.as_raw_fd();
        // SAFETY: NUL-terminated strings that outlive the call, and an open folder.
        unsafe { libc::renameat(folder, from.as_ptr(), folder, to.as_ptr()) == 0 }
    }

    /// Whether an anchor of that name was set aside and is still there.
    pub(super) fn is_set_aside(&self, name: &str) -> bool {
        self.path.join(encode(name) + GONE).symlink_metadata().is_ok()
    }

    /// What it stood for is gone.
    pub(super) fn forget(&self, name: &str) -> bool {
        c_string(encode(name) + GONE).is_ok_and(|file| self.unlink_file(&file))
    }

    /// The names of all objects that can be found, or of those that were set aside.
    pub(super) fn names(&self, set_aside: bool) -> Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.path).map_err(|error| {
            let os = OsError { syscall: "opendir", errno: error.raw_os_error().unwrap_or(0) };
            from_errno(os, &self.path.to_string_lossy(), 0)
        })?;
        let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let name = |file: String| match (file.strip_suffix(GONE), set_aside) {
            (Some(file), true) => decode(file),
            (None, false) => decode(&file),
            _ => None,
        };
        Ok(files.filter_map(name).collect())
    }
}

fn c_string(text: String) -> Result<CString> {
    CString::new(text).map_err(|_| Error::InvalidArgument {
        name: "id",
        reason: "must not contain a NUL character".into(),
    })
}

/// The file name that stands for an object's name. Names keep their case, and macOS' file systems do not
/// tell `A` from `a`: a name with capitals is written in small letters, then a `+`, then one hexadecimal
/// digit for every four characters, which has a bit for each capital, the first the highest.
fn encode(name: &str) -> String {
    let small = name.to_ascii_lowercase();
    if small == name {
        return small;
    }
    let digits = name.as_bytes().chunks(4).map(|four| {
        let bits = four.iter().enumerate();
        let capitals =
            bits.map(|(at, byte)| u32::from(byte.is_ascii_uppercase()) << (3 - at)).sum();
        char::from_digit(capitals, 16).unwrap_or('0')
    });
    format!("{small}+{}", digits.collect::<String>())
}

/// The name that a file stands for; nothing for a file that is none of ours.
fn decode(file: &str) -> Option<String> {
    let Some((small, digits)) = file.split_once('+') else { return Some(file.to_owned()) };
    let mut bits = digits.chars().map(|digit| digit.to_digit(16));
    let mut name = String::with_capacity(small.len());
    let mut four = 0;
    for (at, letter) in small.chars().enumerate() {
        if at % 4 == 0 {
            four = bits.next()??;
        }
        let capital = four >> (3 - at % 4) & 1 != 0;
        name.push(if capital { letter.to_ascii_uppercase() } else { letter });
    }
    (encode(&name) == file).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn every_name_has_a_file_of_its_own_and_is_told_from_it() {
        let names =
            ["mmfile-data-tasks", "mmfile-data-Tasks", "mmfile-data-TASKS", "A", "a", "x.Y"];
        let mut files: Vec<String> = names.iter().map(|name| encode(name)).collect();
        for (name, file) in names.iter().zip(&files) {
            assert_eq!(decode(file).as_deref(), Some(*name));
            assert_eq!(*file, file.to_ascii_lowercase());
        }
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
        assert_eq!(encode("mmfile-data-Tasks"), "mmfile-data-tasks+00080");
        assert!(encode(&"A".repeat(128)).len() + "+gone".len() < 255);
    }

    #[test]
    fn what_stands_for_no_name_is_left_alone() {
        for file in ["a+", "a+0", "a+x", "A+8", "ab+80", "+", "abcde+8"] {
            assert_eq!(decode(file), None, "{file}");
        }
    }
}
