//! A folder of a test's own, for files on disk and for objects (`directory`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that no other test has. It goes with this, and what is in it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        Self::within(&std::env::temp_dir(), test)
    }

    /// One in another folder.
    pub fn within(parent: &Path, test: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("mmfile-{test}-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path); // of an earlier process with this id
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
