//! From when to when a file is there.

use super::*;

#[test]
fn ids_are_taken_once() {
    let id = format!("taken-{}", std::process::id());
    let file = MmFile::create_new(64, &named(&id)).unwrap();
    assert_eq!(code(MmFile::create_new(64, &named(&id))), "ERR_MMFILE_EXISTS");
    drop(file);
    let again = MmFile::create_new(64, &named(&id)).unwrap();
    assert_eq!(again.len().unwrap(), 0);
    drop(again);
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn a_missing_file_is_not_found() {
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing("never-made", &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(code(MmFile::open_existing("", &options)), "ERR_INVALID_ARG_VALUE");
    assert_eq!(code(MmFile::create_new(0, &CreateOptions::default())), "ERR_INVALID_ARG_VALUE");
}

#[test]
fn more_memory_than_there_is_is_no_space() {
    for capacity in [1u64 << 44, 1 << 60, u64::MAX] {
        let started = Instant::now();
        let id = format!("huge-{}-{capacity}", std::process::id());
        assert_eq!(code(MmFile::create_new(capacity, &named(&id))), "ERR_MMFILE_NO_SPACE");
        assert_eq!(left_behind(&id), [""; 0]);
        assert!(started.elapsed() < support::PROMPT);
    }
}

#[test]
fn the_creators_end_is_the_files_end() {
    let file = new(100);
    let id = file.id().to_string();
    let other = open(&file);
    drop(file);
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing(&id, &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(other.append("still here").unwrap(), 0);
    assert_eq!(other.read_text(0).unwrap(), "still here");
    if cfg!(windows) {
        // A kernel object's name goes with its last handle, and not before.
        assert_eq!(code(MmFile::create_new(1, &named(&id))), "ERR_MMFILE_EXISTS");
        drop(other);
    }
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn a_shared_file_ends_with_its_last_process() {
    let id = format!("last-{}", std::process::id());
    let options = CreateOptions::default();
    let first = MmFile::create_or_open(&id, 100, &options).unwrap();
    let second = MmFile::create_or_open(&id, 5000, &options).unwrap();
    assert_eq!((first.is_creator(), second.is_creator(), second.capacity()), (true, false, 100));
    drop(first);
    let third = MmFile::create_or_open(&id, 1, &options).unwrap();
    assert!(!third.is_creator());
    drop((second, third));
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn a_killed_creator_takes_nothing_away() {
    support::play(&[("creator", creator)]);
    let id = format!("killed-{}", std::process::id());
    let test = "lifetimes::a_killed_creator_takes_nothing_away";
    let mut actor = Actor::start(test, "creator", &[&id]);
    assert_eq!(actor.line().unwrap(), "made");
    let file = MmFile::open_existing(&id, &OpenOptions::default()).unwrap();
    actor.kill();
    assert_eq!(file.append("from the survivor").unwrap(), 1);
    let late = MmFile::open_existing(&id, &OpenOptions::default()).unwrap();
    assert_eq!(late.read_text(0).unwrap(), "from the creator");
    drop((file, late));
    assert_eq!(left_behind(&id), [""; 0]);
    // With no process left that has it open, it is not there for those that come later.
    let mut actor = Actor::start(test, "creator", &[&id]);
    assert_eq!(actor.line().unwrap(), "made");
    actor.kill();
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing(&id, &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(left_behind(&id), [""; 0]);
}

/// Not with the very next one: a creation examines two names, however many there are.
#[test]
fn stale_files_go_with_the_next_creations() {
    let test = "lifetimes::stale_files_go_with_the_next_creations";
    support::play(&[("maker", maker)]);
    let prefixes = own_prefixes("swept");
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    // Of one of the passes over the folder, and of a later one.
    for _ in 0..2 {
        let args = [prefixes.data(), prefixes.mutex(), &format!("{}m-", common_part(&prefixes))];
        let mut actors = [(); 3].map(|()| Actor::start(test, "maker", &args));
        for actor in &mut actors {
            assert_eq!(actor.line().unwrap(), "made");
        }
        actors.iter_mut().for_each(Actor::kill);
        // On Windows the kernel removes them at once.
        let left = || left_behind(prefixes.data()).len();
        assert_eq!(left(), if cfg!(windows) { 0 } else { 3 });
        let creations = (0..64).take_while(|_| left() > 0);
        creations.for_each(|_| drop(MmFile::create_new(10, &options).unwrap()));
        assert_eq!(left_behind(prefixes.data()), [""; 0]);
    }
    sweep(&ListOptions {
        mutex_prefix: Some(format!("{}m-", common_part(&prefixes))),
        ..listing(&prefixes)
    })
    .unwrap();
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

#[test]
fn a_removed_name_is_free_and_its_file_keeps_working() {
    let id = format!("removed-{}", std::process::id());
    let options = ListOptions::default();
    let (file_id, name) = (FileId::parse(&id).unwrap(), id.as_str());
    assert_eq!(code(remove(&file_id, Kind::File, &options)), "ERR_MMFILE_NOT_FOUND");
    for lifetime in [Lifetime::Creator, Lifetime::LastProcess] {
        let file = MmFile::create_new(100, &CreateOptions { lifetime, ..named(name) }).unwrap();
        let other = open(&file);
        assert_eq!(code(remove(&file_id, Kind::Mutex, &options)), "ERR_MMFILE_NOT_FOUND");
        remove(&file_id, Kind::File, &options).unwrap();
        let late = MmFile::open_existing(name, &OpenOptions::default());
        assert_eq!(code(late), "ERR_MMFILE_NOT_FOUND");
        assert_eq!(file.append("still here").unwrap(), 0);
        assert_eq!(other.read_text(0).unwrap(), "still here");
        if !cfg!(windows) {
            let another = MmFile::create_new(50, &named(name)).unwrap();
            assert_eq!(another.len().unwrap(), 0);
            drop((file, other));
            assert_eq!(open(&another).capacity(), 50, "the first one's end is not the second's");
        }
    }
    assert_eq!(left_behind(&id), [""; 0]);
}
