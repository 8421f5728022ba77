//! Blocks that are missing, shared with a copy, or written to a new place each time.

use super::*;

pub fn copy_with_holes(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    drop(file);
    disk.copy_without_zeros("a", "b");
    disk.fill();
    let whole = std::fs::read(disk.file("b")).unwrap();
    let opened = disk.open("b", Access::ReadWrite);
    assert_eq!(opened.err().map(|error| error.code()), Some(NO_SPACE));
    let reader = disk.open("b", Access::Read).unwrap();
    assert_eq!(check(&reader, 3), 3);
    let soon = Timeout::Val(Duration::from_millis(20));
    let waited = reader.wait_for(3, soon, Duration::ZERO).unwrap_err();
    assert_eq!(waited.code(), "ERR_MMFILE_TIMEOUT");
    drop(reader);
    let end = usize::try_from(CAPACITY).unwrap();
    assert!(std::fs::read(disk.file("b")).unwrap()[..end] == whole[..end], "something was lost");
    disk.empty();
    let file = disk.open("b", Access::ReadWrite).unwrap();
    disk.fill();
    if !disk.shares_blocks() {
        // Reserved again, once and for all.
        assert_eq!(append(&file, disk.many()), (disk.many(), None));
    }
    check(&file, 3);
}

/// In a file system in memory, reading a hole takes a page.
pub fn holes_that_are_read(disk: &Disk) {
    let zeros = vec![0; 1 << 18];
    let file = disk.create("a");
    file.append(b"before").unwrap();
    file.append(&zeros).unwrap();
    drop(file);
    disk.copy_without_zeros("a", "b");
    std::fs::File::create(disk.file("blank")).unwrap().set_len(CAPACITY).unwrap();
    disk.fill();
    let reads = || {
        let reader = disk.open("b", Access::Read)?;
        reader.read(1)
    };
    // Nothing was changed that only the first one to open it finds.
    for _ in 0..2 {
        match reads() {
            Ok(read) => assert!(disk.kind != "tmpfs" && read == zeros),
            Err(error) => assert_eq!((error.code(), disk.kind.as_str()), (NO_SPACE, "tmpfs")),
        }
        let blank = disk.open("blank", Access::Read).unwrap_err().code();
        assert_eq!(blank, if disk.kind == "tmpfs" { NO_SPACE } else { "ERR_MMFILE_INCOMPATIBLE" });
    }
    disk.empty();
    assert!(reads().unwrap() == zeros);
}

pub fn holes_in_an_open_file(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    let raw = std::fs::OpenOptions::new().write(true).open(disk.file("a")).unwrap();
    let flags = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: touches no memory.
    let dug = unsafe { libc::fallocate(raw.as_raw_fd(), flags, 64 << 10, 2 << 20) };
    assert_eq!(dug, 0);
    disk.fill();
    let (count, error) = append(&file, 100);
    say(format_args!("{count} appended, then {error:?}"));
    assert_eq!(error, Some(NO_SPACE));
    let length = check(&file, count + 3);
    disk.empty();
    assert_eq!(append(&file, 100), (100, None));
    assert_eq!(check(&file, length + 100), length + 100);
    drop(file);
    check(&disk.open("a", Access::ReadWrite).unwrap(), length + 100);
}

pub fn blocks_shared_with_a_copy(disk: &Disk) {
    if !disk.shares_blocks() {
        return say("skipped: it shares no blocks");
    }
    let file = disk.create("a");
    append(&file, 3);
    if let Err(reason) = disk.share("a", "b") {
        return say(format_args!("skipped: {reason}"));
    }
    disk.fill();
    let (count, error) = append(&file, 100);
    say(format_args!("{count} appended, then {error:?}"));
    let length = check(&file, count + 3);
    drop(file);
    if let Ok(again) = disk.open("a", Access::ReadWrite) {
        append(&again, 10);
    }
    disk.empty();
    let file = disk.open("a", Access::ReadWrite).unwrap();
    let length = check(&file, length);
    assert_eq!(append(&file, 100), (100, None));
    assert_eq!(check(&file, length + 100), length + 100);
    assert_eq!(check(&disk.open("b", Access::Read).unwrap(), 3), 3);
}

pub fn written_again_and_again(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    disk.fill();
    let (count, error) = append(&file, disk.many());
    say(format_args!("{count} appended, then {error:?}"));
    assert!(error.is_none() || disk.shares_blocks() && error == Some(NO_SPACE));
    let length = check(&file, count + 3);
    let sealed = file.seal();
    disk.empty();
    if sealed.is_err() {
        assert_eq!(append(&file, 20), (20, None));
        check(&file, length + 20);
        file.seal().unwrap();
    }
    assert_eq!(file.append(b"x").unwrap_err().code(), "ERR_MMFILE_SEALED");
    drop(file);
    assert!(disk.open("a", Access::ReadWrite).unwrap().is_sealed().unwrap());
}

pub fn opened_when_it_is_full(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    drop(file);
    let copied = disk.shares_blocks() && disk.share("a", "b").is_ok();
    disk.fill();
    for round in 0..20 {
        let reader = disk.open("a", Access::Read).unwrap();
        let known = check(&reader, 3);
        match disk.open("a", Access::ReadWrite) {
            Ok(file) => {
                let (count, error) = append(&file, 1);
                assert!(error.is_none() || error == Some(NO_SPACE), "{error:?}");
                check(&reader, known + count);
            }
            Err(error) => {
                assert_eq!(error.code(), NO_SPACE, "{error}");
                assert!(disk.shares_blocks(), "{round}: {copied}: {error}");
            }
        }
    }
    disk.empty();
    let file = disk.open("a", Access::ReadWrite).unwrap();
    assert_eq!(append(&file, 3), (3, None));
    check(&file, 6);
}
