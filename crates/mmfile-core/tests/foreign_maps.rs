//! Windows: maps of a program that knows only the frames and a named mutex, as the article's does. `npm run
//! test:dotnet` has such a program; this file has the cases that are hard to time from outside.

#![cfg(windows)]

mod support;

use mmfile_core::*;
use std::ptr;
use std::sync::Barrier;
use support::own_prefixes;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PAGE_READWRITE, UnmapViewOfFile,
};
use windows_sys::Win32::System::Threading::CreateMutexW;

/// A named map of that size, with a named mutex beside it or without.
struct Foreign {
    handles: Vec<HANDLE>,
    view: MEMORY_MAPPED_VIEW_ADDRESS,
}

const SIZE: u32 = 4096;

impl Foreign {
    fn new(prefixes: &Prefixes, id: &str, with_mutex: bool) -> Self {
        let wide = |prefix: &str| -> Vec<u16> {
            format!("Local\\{prefix}{id}\0").encode_utf16().collect()
        };
        let (data, mutex) = (wide(prefixes.data()), wide(prefixes.mutex()));
        let (none, memory) = (ptr::null(), INVALID_HANDLE_VALUE);
        // SAFETY: the names end with a NUL; the handles are closed once.
        unsafe {
            let section = CreateFileMappingW(memory, none, PAGE_READWRITE, 0, SIZE, data.as_ptr());
            assert!(!section.is_null());
            let mut handles = vec![section];
            if with_mutex {
                handles.push(CreateMutexW(none, 0, mutex.as_ptr()));
                assert!(!handles[1].is_null());
            }
            let view = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
            assert!(!view.Value.is_null());
            Self { handles, view }
        }
    }

    /// Writes the first segment: its size, and then its bytes.
    fn write(&self, bytes: &[u8]) {
        let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        // SAFETY: the view has room for both, and no process has opened the file yet.
        unsafe {
            ptr::copy_nonoverlapping(size.as_ptr(), self.view.Value.cast(), 4);
            let target = self.view.Value.cast::<u8>().add(4);
            ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // SAFETY: each exactly once.
        unsafe {
            UnmapViewOfFile(self.view);
            self.handles.iter().for_each(|handle| assert_ne!(CloseHandle(*handle), 0));
        }
    }
}

fn options(prefixes: &Prefixes, access: Access) -> OpenOptions {
    OpenOptions { prefixes: prefixes.clone(), access, ..Default::default() }
}

#[test]
fn its_segments_are_read_and_continued() {
    let prefixes = own_prefixes("joined");
    let foreign = Foreign::new(&prefixes, "it", true);
    foreign.write(b"theirs");
    let file = MmFile::open_existing("it", &options(&prefixes, Access::ReadWrite)).unwrap();
    assert_eq!((file.capacity(), file.is_creator()), (u64::from(SIZE), false));
    assert_eq!(file.read(0).unwrap(), b"theirs");
    assert_eq!(file.append("ours").unwrap(), 1);
    drop(file);
    // Without a process of the package there is no control block, and the next one creates another.
    let again = MmFile::open_existing("it", &options(&prefixes, Access::ReadWrite)).unwrap();
    assert_eq!((again.len().unwrap(), again.read_text(1).unwrap()), (2, "ours".into()));
    // The first process may leave: the file lives as long as any process has it open.
    drop(foreign);
    assert_eq!(again.append("after").unwrap(), 2);
    let other = MmFile::open_existing("it", &options(&prefixes, Access::ReadWrite)).unwrap();
    assert_eq!(other.len().unwrap(), 3);
}

#[test]
fn a_reader_may_be_the_first() {
    let prefixes = own_prefixes("read");
    let foreign = Foreign::new(&prefixes, "it", true);
    foreign.write(b"theirs");
    let reader = MmFile::open_existing("it", &options(&prefixes, Access::Read)).unwrap();
    assert_eq!(reader.read(0).unwrap(), b"theirs");
    assert_eq!(reader.append("no").unwrap_err().code(), "ERR_MMFILE_READ_ONLY");
    let writer = MmFile::open_existing("it", &options(&prefixes, Access::ReadWrite)).unwrap();
    assert_eq!(writer.append("second").unwrap(), 1);
    assert_eq!(reader.read_text(1).unwrap(), "second");
}

#[test]
fn several_that_join_at_once_have_one_file() {
    let prefixes = own_prefixes("at-once");
    let rounds = 500;
    for round in 0..rounds {
        let id = format!("it-{round}");
        let foreign = Foreign::new(&prefixes, &id, true);
        foreign.write(b"theirs");
        let barrier = Barrier::new(8);
        let files: Vec<MmFile> = std::thread::scope(|scope| {
            let join = || {
                barrier.wait();
                let file = MmFile::open_existing(&id, &options(&prefixes, Access::ReadWrite));
                let file = file.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
                file.append("mine").unwrap();
                file
            };
            let joining: Vec<_> = (0..8).map(|_| scope.spawn(join)).collect();
            joining.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for file in &files {
            assert_eq!(file.len().unwrap(), 9, "round {round}");
        }
    }
}

#[test]
fn a_map_without_a_mutex_is_no_file() {
    let prefixes = own_prefixes("alone");
    let _foreign = Foreign::new(&prefixes, "it", false);
    let error = MmFile::open_existing("it", &options(&prefixes, Access::ReadWrite)).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND");
    let create = CreateOptions {
        id: Some(FileId::parse("it").unwrap()),
        prefixes: prefixes.clone(),
        ..Default::default()
    };
    let error = MmFile::create_new(100, &create).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_ACCESS");
    let error = MmFile::create_or_open("it", 100, &create).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_ACCESS");
}
