//! Which handle repairs what: only after a known death, and never a read-only handle.

mod support;

use mmfile_core::*;
use std::time::{Duration, Instant};
use support::raw::{OFF_COUNT, OFF_TAIL, Raw};
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
use support::raw::{OFF_LOCK_HOLDER, OFF_LOCK_WORD};
use support::{Actor, Watchdog, own_prefixes, rounds, say};

const ROLES: &[support::Role] = &[
    ("unsynchronized", write_without_the_lock),
    #[cfg(target_os = "linux")]
    ("unreported", hold_a_lock_that_the_kernel_does_not_know),
    #[cfg(unix)]
    ("another user", read_as_another_user),
    ("sleeper", |_| {
        say("here");
        support::hear();
    }),
];

fn create(prefixes: &Prefixes, capacity: u64) -> MmFile {
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    MmFile::create_new(capacity, &options).unwrap()
}

fn open(prefixes: &Prefixes, id: &str, access: Access, synchronized: bool) -> Result<MmFile> {
    let prefixes = prefixes.clone();
    MmFile::open_existing(id, &OpenOptions { access, synchronized, prefixes, ..Default::default() })
}

fn numbered(number: u64) -> [u8; 20] {
    let mut bytes = [0x55; 20];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Appends so many numbered segments without the lock.
fn write_without_the_lock(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let file = open(&prefixes, &args[2], Access::ReadWrite, false).unwrap();
    say("ready");
    support::hear();
    for number in 0..args[3].parse().unwrap() {
        assert_eq!(file.append(&numbered(number)).unwrap(), number);
    }
    say("done");
}

/// A reader with the default options finds the record of an append that is under way. Its writer is alive.
#[test]
fn a_reader_takes_back_nothing_of_a_writer_without_the_lock() {
    support::play(ROLES);
    let test = "a_reader_takes_back_nothing_of_a_writer_without_the_lock";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60) * rounds());
    let count = 200_000 * u64::from(rounds());
    let prefixes = own_prefixes("unsynchronized");
    let file = create(&prefixes, count * 24);
    let (data, mutex) = (prefixes.data(), prefixes.mutex());
    let mut writer =
        Actor::start(test, "unsynchronized", &[data, mutex, file.id(), &count.to_string()]);
    assert_eq!(writer.expect(), "ready");
    writer.tell("go");
    let mut seen = 0;
    while seen < count {
        let length = file.len().unwrap();
        assert!(length >= seen, "{length} after {seen}");
        seen = length;
    }
    assert_eq!(writer.expect(), "done");
    writer.finish();
    for index in 0..count {
        assert_eq!(file.read(index).unwrap(), numbered(index));
    }
    assert_eq!((file.recovered(), file.size().unwrap()), (0, count * 24));
}

#[cfg(all(target_os = "linux", not(mmfile_portable)))]
/// A value that takes its time.
struct Slow<'a>(&'a std::sync::Barrier);

#[cfg(all(target_os = "linux", not(mmfile_portable)))]
impl Payload for Slow<'_> {
    fn byte_length(&self) -> u64 {
        4
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        target.put(b"sl");
        self.0.wait();
        self.0.wait();
        target.put(b"ow");
        Ok(())
    }
}

/// A process died with the lock while another one writes without it.
#[test]
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
fn a_dead_holder_is_not_the_writer_without_the_lock() {
    let prefixes = own_prefixes("both");
    let file = create(&prefixes, 64);
    let writer = open(&prefixes, file.id(), Access::ReadWrite, false).unwrap();
    let control = Raw::control(&prefixes, file.id());
    let barrier = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let append = scope.spawn(|| writer.append(&Slow(&barrier)));
        barrier.wait();
        control.set_word(OFF_LOCK_WORD, 0x4000_0000); // its owner died
        assert_eq!(file.len().unwrap(), 0);
        control.set_word(OFF_LOCK_WORD, 0x4000_0000);
        assert!(file.lock(None).unwrap().abandoned());
        barrier.wait();
        assert_eq!(append.join().unwrap(), Ok(0));
    });
    assert_eq!(file.read(0).unwrap(), b"slow");
}

/// Segments of a foreign program become part of the committed end with the package's next append.
#[test]
fn a_reader_counts_foreign_segments_for_itself() {
    let prefixes = own_prefixes("counts");
    let file = create(&prefixes, 4096);
    let readers = [Access::Read, Access::ReadWrite].map(|access| {
        [true, false].map(|synchronized| {
            open(&prefixes, file.id(), access, synchronized && access == Access::ReadWrite).unwrap()
        })
    });
    let (data, control) = (Raw::data(&prefixes, file.id()), Raw::control(&prefixes, file.id()));
    data.append_foreign(b"one");
    data.append_foreign(b"");
    for reader in readers.iter().flatten() {
        assert_eq!((reader.len().unwrap(), reader.size().unwrap()), (2, 11));
        assert_eq!(reader.read(0).unwrap(), b"one");
        assert!(reader.has(1) && !reader.has(2));
        let now = Timeout::Val(Duration::ZERO);
        reader.wait_for(1, now, Duration::ZERO).unwrap();
    }
    assert_eq!((control.long(OFF_TAIL), control.long(OFF_COUNT)), (0, 0), "a reader stored it");
    assert_eq!(file.append(b"two").unwrap(), 2);
    assert_eq!((control.long(OFF_TAIL), control.long(OFF_COUNT)), (18, 3));
    for reader in readers.iter().flatten() {
        assert_eq!((reader.len().unwrap(), reader.read(2).unwrap()), (3, b"two".to_vec()));
    }
}

/// A writer has stored the end of more segments and not yet their number.
#[test]
fn a_reader_that_counted_for_itself_reads_while_a_writer_commits() {
    let prefixes = own_prefixes("commits");
    let file = create(&prefixes, 4096);
    let reader = open(&prefixes, file.id(), Access::Read, false).unwrap();
    let (data, control) = (Raw::data(&prefixes, file.id()), Raw::control(&prefixes, file.id()));
    data.append_foreign(b"one");
    assert_eq!(reader.len().unwrap(), 1);
    data.append_foreign(b"two");
    control.put(OFF_TAIL, &14u64.to_le_bytes());
    assert!(reader.has(0));
    assert_eq!(reader.read(0).unwrap(), b"one");
    control.put(OFF_COUNT, &2u64.to_le_bytes());
    assert_eq!(reader.read(1).unwrap(), b"two");
    assert_eq!(file.append(b"three").unwrap(), 2);
    assert_eq!((reader.len().unwrap(), reader.read(2).unwrap()), (3, b"three".to_vec()));
}

/// A size word that spans two cache lines is stored in two steps: a reader that excludes no writer must not
/// count by half of it.
#[test]
fn half_a_size_word_is_none() {
    let _watchdog = Watchdog::new("half a size word", Duration::from_secs(60) * rounds());
    const SIZE: usize = 0x0101;
    // Longer than one instruction takes, and less than a reader waits for its second step.
    const TOGETHER: Duration = Duration::from_micros(2);
    let prefixes = own_prefixes("half");
    let (mut tried, mut counted) = (0, 0);
    while counted < 1000 * rounds() && tried < 100_000 * rounds() {
        // One file for many tries: to make it takes longer than they do.
        let file = create(&prefixes, 1 << 20);
        let data = Raw::data(&prefixes, file.id());
        let mut reader = open(&prefixes, file.id(), Access::Read, false).unwrap();
        while counted < 1000 * rounds() && file.size().unwrap() + 1024 < file.capacity() {
            tried += 1;
            // The next size word begins with the last byte of a cache line.
            let size = usize::try_from(file.size().unwrap()).unwrap();
            file.append(&vec![1; (2 * 64 - 1 - 4 - size % 64) % 64]).unwrap();
            let (at, before) =
                (usize::try_from(file.size().unwrap()).unwrap(), file.len().unwrap());
            data.put(at, &[0; 1024]); // no page fault between the two steps
            let mut took = Duration::MAX;
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| {
                    for _ in 0..tried % 64 {
                        std::hint::spin_loop();
                    }
                    let word = (SIZE as u32).to_le_bytes();
                    let begun = Instant::now();
                    // The first step of the store, and the second.
                    // SAFETY: inside of the mapping, which lives on.
                    unsafe {
                        data.at(at).write_volatile(word[0]);
                        (0..10).for_each(|_| std::hint::spin_loop());
                        let rest = [word[1], word[2], word[3]];
                        data.at(at + 1).cast::<[u8; 3]>().write_volatile(rest);
                    }
                    begun.elapsed()
                });
                while reader.len().unwrap() == before {}
                took = writer.join().unwrap();
            });
            // Nothing interrupts one instruction between its steps, as this thread may have been.
            if took <= TOGETHER {
                counted += 1;
                assert_eq!(reader.len().unwrap(), before + 1);
                assert_eq!(reader.byte_length(before).unwrap(), SIZE as u64);
            } else {
                reader = open(&prefixes, file.id(), Access::Read, false).unwrap();
            }
        }
    }
    assert_eq!(counted, 1000 * rounds());
}

#[test]
fn a_writer_without_the_lock_has_a_place_among_the_participants() {
    let prefixes = own_prefixes("places");
    let file = create(&prefixes, 64);
    let others: Vec<_> =
        (0..95).map(|_| open(&prefixes, file.id(), Access::ReadWrite, true).unwrap()).collect();
    let error = open(&prefixes, file.id(), Access::ReadWrite, false).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_NO_SPACE", "{error}");
    assert!(open(&prefixes, file.id(), Access::ReadWrite, true).is_ok());
    assert!(open(&prefixes, file.id(), Access::Read, false).is_ok());
    drop(others);
    assert!(open(&prefixes, file.id(), Access::ReadWrite, false).is_ok());
}

/// Holds the lock in a thread of whose locks the kernel knows nothing, as where a sandbox refuses
/// `set_robust_list`.
#[cfg(target_os = "linux")]
fn hold_a_lock_that_the_kernel_does_not_know(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let file = open(&prefixes, &args[2], Access::ReadWrite, true).unwrap();
    let _guard = file.lock(None).unwrap();
    let mut empty = [0usize; 3];
    empty[0] = empty.as_ptr() as usize;
    // SAFETY: an empty list of the calling thread, which outlives it.
    let refused = unsafe {
        libc::syscall(libc::SYS_set_robust_list, empty.as_mut_ptr(), size_of_val(&empty))
    };
    say(refused);
    support::hear();
}

#[test]
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
fn a_death_that_the_kernel_does_not_report_is_found() {
    support::play(ROLES);
    let test = "a_death_that_the_kernel_does_not_report_is_found";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("unreported");
    let file = create(&prefixes, 4096);
    let (data, mutex) = (prefixes.data(), prefixes.mutex());
    for _ in 0..5 {
        let mut holder = Actor::start(test, "unreported", &[data, mutex, file.id()]);
        assert_eq!(holder.expect(), "0");
        let soon = Timeout::Val(Duration::from_millis(200));
        assert_eq!(file.lock(Some(soon)).unwrap_err().code(), "ERR_MMFILE_TIMEOUT", "it lives");
        holder.kill();
        let begun = Instant::now();
        let guard = file.lock(Some(Timeout::Val(Duration::from_secs(60)))).unwrap();
        assert!(guard.abandoned());
        assert!(begun.elapsed() < support::PROMPT, "{:?}", begun.elapsed());
    }
}

/// Another program overwrites the lock word.
#[test]
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
fn a_lock_word_that_names_no_living_thread_is_abandoned() {
    support::play(ROLES);
    let test = "a_lock_word_that_names_no_living_thread_is_abandoned";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("word");
    let file = create(&prefixes, 4096);
    let control = Raw::control(&prefixes, file.id());
    for word in [0x3fff_fffe, 0x2000_0000, 0xbfff_ffff, 0x3fff_ffff] {
        control.set_word(OFF_LOCK_WORD, word);
        let begun = Instant::now();
        let guard = file.lock(Some(Timeout::Val(Duration::from_secs(60)))).unwrap();
        assert!(guard.abandoned() && begun.elapsed() < support::PROMPT, "{word:#x}");
        drop(guard);
        assert!(!file.lock(None).unwrap().abandoned());
    }
    // A living thread may have it, as far as anyone knows.
    let mut sleeper = Actor::start(test, "sleeper", &[]);
    assert_eq!(sleeper.expect(), "here");
    control.set_word(OFF_LOCK_WORD, sleeper.child.id());
    let soon = Timeout::Val(Duration::from_millis(200));
    assert_eq!(file.lock(Some(soon)).unwrap_err().code(), "ERR_MMFILE_TIMEOUT");
    sleeper.kill();
    assert!(file.lock(Some(Timeout::Val(Duration::from_secs(60)))).unwrap().abandoned());
}

/// A thread whose number a dead one had, which died with the lock.
#[test]
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
fn a_lock_word_that_names_the_waiter_itself_is_no_lock_of_its_own() {
    support::play(ROLES);
    let test = "a_lock_word_that_names_the_waiter_itself_is_no_lock_of_its_own";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("own");
    let file = create(&prefixes, 4096);
    let control = Raw::control(&prefixes, file.id());
    let mut holder =
        Actor::start(test, "unreported", &[prefixes.data(), prefixes.mutex(), file.id()]);
    assert_eq!(holder.expect(), "0");
    holder.kill();
    // SAFETY: takes nothing and cannot fail.
    let own = u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap();
    control.set_word(OFF_LOCK_WORD, own);
    control.set_word(OFF_LOCK_HOLDER - 8, own);
    let guard = file.lock(None).unwrap();
    assert!(guard.abandoned());
    assert_eq!(file.lock(None).unwrap_err().code(), "ERR_MMFILE_LOCK_HELD");
    let other = open(&prefixes, file.id(), Access::ReadWrite, true).unwrap();
    assert_eq!(other.lock(None).unwrap_err().code(), "ERR_MMFILE_LOCK_HELD");
    drop(guard);
    assert!(!other.lock(None).unwrap().abandoned());
}

/// Reads a file that it may not write to, which for root takes another user.
#[cfg(unix)]
fn read_as_another_user(args: &[String]) {
    const NOBODY: libc::uid_t = 65534;
    // SAFETY: changes who this process is.
    unsafe { libc::setuid(NOBODY) };
    let options = OpenOptions { access: Access::Read, ..Default::default() };
    let file = MmFile::open_file(&args[0], &options).unwrap();
    say("open");
    while support::hear().is_some() {
        say(format_args!("{} {}", file.len().unwrap(), file.is_sealed().unwrap()));
    }
}

#[test]
#[cfg(unix)]
fn a_reader_that_may_not_write_sees_the_committed_end_and_the_seal() {
    use std::os::unix::fs::PermissionsExt;
    support::play(ROLES);
    let test = "a_reader_that_may_not_write_sees_the_committed_end_and_the_seal";
    let folder = support::Folder::new("unwritable");
    let path = folder.file("full");
    let writer = MmFile::create_file(&path, 8, &CreateOptions::default()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let mut reader = Actor::start(test, "another user", &[path.to_str().unwrap()]);
    assert_eq!(reader.expect(), "open");
    let mut expect = |state: &str| {
        reader.tell("how many");
        assert_eq!(reader.expect(), state);
    };
    expect("0 false");
    writer.append(b"full").unwrap();
    expect("1 false");
    // There is no room for the word that marks the end.
    writer.seal().unwrap();
    expect("1 true");
    reader.finish();
}
