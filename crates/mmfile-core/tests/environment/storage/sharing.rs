//! Several handles, threads and processes on a disk that is full, or fills up: sections, waits, flushes, deaths.

use super::*;

pub fn flushed_inside_a_section(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    if disk.shares_blocks() {
        let _ = disk.share("a", "b");
    }
    let other = disk.open("a", Access::ReadWrite).unwrap();
    disk.fill();
    for _ in 0..20 {
        if let Ok(_guard) = file.lock(None) {
            append(&file, 3);
        }
    }
    disk.empty();
    let (known, error) = append(&file, 1);
    assert_eq!((known, error), (1, None));
    let within = Timeout::Val(Duration::from_secs(1));
    std::thread::scope(|scope| {
        scope.spawn(|| drop(other.lock(Some(within)).unwrap()));
    });
    assert_eq!(append(&other, 3), (3, None));
    check(&other, 7);
}

pub fn waited_for(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    if disk.shares_blocks() {
        let _ = disk.share("a", "b");
    }
    let waiter = file.waiter();
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| waiter.wait_for(1 << 20, Timeout::Infinite, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(20));
        disk.fill();
        for _ in 0..20 {
            // It asks to be woken after each of its sleeps.
            std::thread::sleep(Duration::from_millis(5));
            append(&file, 1);
            waiter.look_again();
        }
        waiter.cancel();
        assert_eq!(wait.join().unwrap().unwrap_err().code(), "ERR_MMFILE_CLOSED");
    });
    disk.empty();
    assert_eq!(append(&file, 1), (1, None));
}

pub fn kept_by_a_handle_that_could_not_release_it(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    if disk.shares_blocks() {
        let _ = disk.share("a", "b");
    }
    let other = disk.open("a", Access::ReadWrite).unwrap();
    let guard = file.lock(None).unwrap();
    disk.fill();
    let _ = file.flush();
    drop(guard);
    disk.empty();
    // On a full disk it could not say so. It has ended for others when it is closed.
    let soon = || Some(Timeout::Val(Duration::from_millis(200)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let locked = other.lock(soon()).map(|guard| guard.abandoned());
            drop(file);
            let abandoned = match locked {
                Err(_) => Ok(other.lock(soon()).unwrap().abandoned()),
                locked => locked.map(|_| false),
            };
            say(format_args!("released late: {abandoned:?}"));
            assert!(!other.lock(soon()).unwrap().abandoned());
        });
    });
    assert_eq!(append(&other, 1), (1, None));
}

/// Dies in an append.
pub fn writer(args: &[String]) {
    let file = MmFile::open_file(&args[0], &OpenOptions::default()).unwrap();
    file.append(&number(3)).unwrap();
}

pub fn repaired_after_a_death(disk: &Disk) {
    if !cfg!(feature = "fault-points") {
        return say("skipped: it takes fault points");
    }
    let test = format!("storage::a_full_{}", disk.kind);
    for point in ["append.intent", "append.payload", "append.published", "commit.tail"] {
        let file = disk.create("a");
        append(&file, 3);
        let path = disk.file("a");
        let path = [path.to_str().unwrap()];
        Actor::start_with_fault(&test, "writer", &path, point).wait_killed(point);
        if disk.shares_blocks() {
            let _ = disk.share("a", "b");
        }
        disk.fill();
        let _ = file.flush();
        let length = check(&file, 3);
        let (count, _) = append(&file, 2);
        check(&file, length + count);
        let reader = disk.open("a", Access::Read).unwrap();
        check(&reader, 3);
        drop((file, reader));
        let opened = disk.open("a", Access::ReadWrite);
        assert!(matches!(&opened, Ok(_) | Err(Error::NoSpace { .. })), "{opened:?}");
        drop(opened);
        disk.empty();
        let file = disk.open("a", Access::ReadWrite).unwrap();
        let length = check(&file, 3);
        assert_eq!(append(&file, 2), (2, None), "{point}");
        check(&file, length + 2);
        drop(file);
        std::fs::remove_file(disk.file("a")).unwrap();
        let _ = std::fs::remove_file(disk.file("b"));
    }
}

pub fn flushed_by_another_thread(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    disk.fill();
    let done = AtomicBool::new(false);
    let appended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = file.flush();
            }
        });
        let end = std::time::Instant::now() + Duration::from_secs(1);
        let (mut count, mut refused) = (0, 0);
        while std::time::Instant::now() < end && count < disk.many() {
            match file.append(&number(count + 3)) {
                Ok(index) => {
                    assert_eq!(index, count + 3);
                    count += 1;
                }
                Err(error) => {
                    assert_eq!(error.code(), NO_SPACE, "{error}");
                    refused += 1;
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        say(format_args!("{count} appended, {refused} refused"));
        count
    });
    let length = check(&file, appended + 3);
    disk.empty();
    assert_eq!(append(&file, 3), (3, None));
    check(&file, length + 3);
}

/// Others use up what is free, and give it back, while one thread appends and another one flushes.
pub fn filled_while_it_is_written(disk: &Disk) {
    if disk.kind == "btrfs" && !is_kernel_at_least((6, 18)) {
        return say("skipped: older kernels do not store to a mapped page in place");
    }
    let create = CreateOptions::default();
    let file = MmFile::create_file(disk.file("a"), 30 << 20, &create).unwrap();
    append(&file, 3);
    let done = AtomicBool::new(false);
    let appended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                file.flush().unwrap();
            }
        });
        let appender = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) && count < 3500 {
                assert_eq!(file.append(&number(count + 3)).unwrap(), count + 3);
                count += 1;
                std::thread::sleep(Duration::from_micros(200));
            }
            count
        });
        for _ in 0..5 {
            disk.fill();
            disk.empty();
        }
        done.store(true, Ordering::Relaxed);
        appender.join().unwrap()
    });
    say(format_args!("{appended} appended"));
    assert_eq!(check(&file, appended + 3), appended + 3);
}

fn is_kernel_at_least(version: (u32, u32)) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.trim().parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= version
}
