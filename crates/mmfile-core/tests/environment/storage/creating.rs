//! The objects that are created and opened there, and the descriptors that this takes.

use super::*;

pub fn created_with_what_is_left(disk: &Disk) {
    disk.fill();
    let full = MmFile::create_file(disk.file("none"), CAPACITY, &CreateOptions::default());
    assert_eq!(full.unwrap_err().code(), NO_SPACE);
    disk.empty();
    // One that leaves nothing, or nearly so.
    let mut capacity = 4096 * 1024;
    while MmFile::create_file(disk.file("it"), capacity, &CreateOptions::default()).is_ok() {
        std::fs::remove_file(disk.file("it")).unwrap();
        capacity += 4096 * 512;
    }
    let mut least = capacity - 4096 * 512;
    while capacity - least > 4096 {
        let middle = ((least + capacity) / 2) & !4095;
        match MmFile::create_file(disk.file("it"), middle, &CreateOptions::default()) {
            Ok(file) => {
                let appended = file.append(b"one").map_err(|error| error.code());
                assert!(matches!(appended, Ok(0) | Err(NO_SPACE)), "{appended:?}");
                std::fs::remove_file(disk.file("it")).unwrap();
                least = middle;
            }
            Err(error) => {
                assert_eq!(error.code(), NO_SPACE);
                capacity = middle;
            }
        }
    }
}

pub fn objects_in_a_folder(disk: &Disk) {
    let prefixes = own_prefixes("storage");
    let create = options(&prefixes, "it", Some(&disk.root));
    let create = CreateOptions { lifetime: Lifetime::LastProcess, ..create };
    let file = MmFile::create_new(CAPACITY, &create).unwrap();
    let mutex = MutexOptions { directory: Some(disk.root.clone()), ..mutex_options(&prefixes) };
    let mutex = NamedMutex::open("it", &mutex).unwrap();
    let open = OpenOptions::from(&create);
    disk.fill();
    let mut refused = 0;
    for round in 0..30_u64 {
        // SAFETY: takes nothing and cannot fail.
        unsafe { libc::sync() };
        for result in [file.append(&number(round)).map(|_| ()), mutex.lock(None).map(drop)] {
            refused += u64::from(result.is_err());
            let code = result.err().map(|error| error.code());
            assert!(code.is_none() || code == Some(NO_SPACE), "{code:?}");
        }
        match MmFile::open_existing("it", &open) {
            Ok(other) => drop(other.read(0)),
            Err(error) => assert_eq!(error.code(), NO_SPACE),
        }
    }
    say(format_args!("{refused} refused"));
    disk.empty();
    let length = file.len().unwrap();
    file.append(b"one").unwrap();
    assert_eq!(file.len().unwrap(), length + 1);
    drop(mutex.lock(None).unwrap());
}

pub fn two_descriptors_at_most(disk: &Disk) {
    let create = options(&own_prefixes("storage"), "it", Some(&disk.root));
    let object = MmFile::create_new(CAPACITY, &create).unwrap();
    let file = disk.create("it");
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    for access in [Access::ReadWrite, Access::Read] {
        let open = OpenOptions { access, ..OpenOptions::from(&create) };
        let before = descriptors();
        let other = MmFile::open_existing("it", &open).unwrap();
        assert!(
            descriptors() <= before + 2,
            "{access:?}: {} for an object",
            descriptors() - before
        );
        drop(other);
        let other = disk.open("it", access).unwrap();
        assert!(descriptors() <= before + 2, "{access:?}: {} for a file", descriptors() - before);
        drop(other);
    }
    drop((object, file));
}
