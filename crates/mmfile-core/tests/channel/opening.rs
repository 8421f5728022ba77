//! Creating and opening: names, shapes, and what is not the same channel.

use super::*;

#[test]
fn capacities_are_powers_of_two() {
    for (wanted, given) in [(1, 1024), (1024, 1024), (1025, 2048), (5000, 8192)] {
        let options = ChannelOptions { capacity: wanted, ..Default::default() };
        assert_eq!(Channel::create_new(&options).unwrap().capacity(), given);
    }
    let default = Channel::create_new(&ChannelOptions::default()).unwrap();
    assert_eq!((default.capacity(), default.max_byte_length()), (4 << 20, 1 << 20));
    for capacity in [0, (16 << 30) + 1, u64::MAX] {
        let options = ChannelOptions { capacity, ..Default::default() };
        assert_eq!(code(Channel::create_new(&options)), "ERR_INVALID_ARG_VALUE");
    }
}

#[test]
fn an_opened_channel_has_its_created_properties() {
    everywhere(|place| {
        let options = ChannelOptions { encoding: "json".into(), ..small() };
        let channel = place.create(&options).unwrap();
        assert_eq!(code(place.create(&options)), "ERR_MMFILE_EXISTS");
        let other = place.open();
        assert_eq!((other.encoding(), other.on_full()), ("json", OnFull::Wait));
        assert_eq!((channel.is_creator(), other.is_creator()), (true, false));
        let with = |encoding: &str| {
            let encoding = Some(encoding.into());
            code(place.open_with(&OpenChannelOptions { encoding, ..Default::default() }))
        };
        assert_eq!((with("json"), with("utf8")), ("none", "ERR_MMFILE_INCOMPATIBLE"));
        let on_full = Some(OnFull::DropOldest);
        let drops = OpenChannelOptions { on_full, ..Default::default() };
        assert_eq!(code(place.open_with(&drops)), "ERR_MMFILE_INCOMPATIBLE");
        let groups = vec!["a".into(), "b".into()];
        place.open_with(&OpenChannelOptions { groups, ..Default::default() }).unwrap();
        assert_eq!(channel.groups().unwrap(), ["a", "b"]);
        assert_eq!(channel.peers().len(), 2);
    });
}

#[test]
fn a_channel_in_memory_ends_with_its_creator_or_its_last_process() {
    let channel = Channel::create_new(&small()).unwrap();
    let id = channel.id().to_owned();
    let open = || Channel::open_existing(&id, &OpenChannelOptions::default());
    let other = open().unwrap();
    drop(channel);
    assert_eq!(code(open()), "ERR_MMFILE_NOT_FOUND");
    other.try_send(b"goes on", None).unwrap();
    let name = FileId::random();
    let again = || Channel::create_or_open(name.as_str(), &small()).unwrap();
    let (one, two) = (again(), again());
    assert!(one.is_creator() && !two.is_creator());
    drop(one);
    assert!(!again().is_creator());
    drop(two);
    assert!(again().is_creator());
}

#[test]
fn kinds_have_name_spaces_of_their_own() {
    let id = FileId::random();
    let file = CreateOptions { id: Some(id.clone()), ..Default::default() };
    let file = MmFile::create_new(100, &file).unwrap();
    let options = ChannelOptions { id: Some(id.clone()), ..small() };
    let channel = Channel::create_new(&options).unwrap();
    channel.try_send(b"x", None).unwrap();
    let rows = list(&ListOptions::default()).unwrap();
    let kinds: Vec<Kind> = rows.iter().filter(|row| row.id == id).map(|row| row.kind).collect();
    assert_eq!(kinds, [Kind::File, Kind::Channel]);
    let row = rows.iter().find(|row| row.id == id && row.kind == Kind::Channel).unwrap();
    assert_eq!((row.capacity, row.sealed, row.stale), (1024, false, false));
    assert_eq!((row.size, row.length), (32, 1));
    remove(&id, Kind::Channel, &ListOptions::default()).unwrap();
    let open = OpenChannelOptions::default();
    assert_eq!(code(Channel::open_existing(id.as_str(), &open)), "ERR_MMFILE_NOT_FOUND");
    assert!(MmFile::open_existing(id.as_str(), &OpenOptions::default()).is_ok());
    drop(file);
}

#[test]
fn files_are_no_channels() {
    let folder = Folder::new("kinds");
    let (file, channel) = (folder.file("file"), folder.file("channel"));
    MmFile::create_file(&file, 100, &CreateOptions::default()).unwrap();
    Channel::create_file(&channel, &small()).unwrap();
    assert_eq!(code(MmFile::open_file(&channel, &OpenOptions::default())), "ERR_MMFILE_ACCESS");
    let options = OpenChannelOptions::default();
    assert_eq!(code(Channel::open_file(&file, &options)), "ERR_MMFILE_ACCESS");
}
