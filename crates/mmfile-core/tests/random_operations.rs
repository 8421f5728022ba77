//! Any sequence of operations, on any mix of handles, against a list in private memory.

mod support;

use mmfile_core::*;
use proptest::prelude::*;
use std::time::Duration;
use support::raw::{EMPTY, Raw, clean_frames};

const HANDLES: usize = 3;

#[derive(Debug, Clone)]
enum Value {
    Bytes(Vec<u8>),
    Text(String),
}

impl Value {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Text(text) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        }
    }

    fn append(&self, file: &MmFile) -> Result<u64> {
        match self {
            Self::Bytes(bytes) => file.append(bytes),
            Self::Text(text) => file.append(text.as_str()),
        }
    }
}

/// How a handle is opened.
#[derive(Debug, Clone, Copy)]
struct Kind {
    access: Access,
    synchronized: bool,
}

/// One operation and the handle it is done with. Indexes are taken modulo the length and two more.
#[derive(Debug, Clone)]
enum Step {
    Append(usize, Value),
    AppendAll(usize, Vec<Vec<u8>>),
    Write(usize, u64, Vec<u8>),
    Read(usize, u64),
    ReadInto(usize, u64, usize),
    Spans(usize, u64, u64),
    Section(usize, Vec<Value>),
    Foreign(usize, Vec<Vec<u8>>),
    Reopen(usize, Kind),
    Wait(usize, u64),
    Seal(usize),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let filler = prop_oneof![any::<u8>(), Just(0u8), Just(0xff), Just(0x80)];
    prop_oneof![
        2 => prop::collection::vec(filler, 0..9),
        2 => prop::collection::vec(any::<u8>(), 9..70),
        1 => (any::<u8>(), 70usize..700).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => bytes().prop_map(Value::Bytes),
        1 => prop::collection::vec(any::<char>(), 0..20)
            .prop_map(|chars| Value::Text(chars.into_iter().collect())),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    let access = prop_oneof![3 => Just(Access::ReadWrite), 1 => Just(Access::Read)];
    (access, any::<bool>()).prop_map(|(access, synchronized)| Kind { access, synchronized })
}

fn step() -> impl Strategy<Value = Step> {
    let handle = 0..HANDLES;
    let several = || prop::collection::vec(bytes(), 0..5);
    prop_oneof![
        6 => (handle.clone(), value()).prop_map(|(h, v)| Step::Append(h, v)),
        4 => (handle.clone(), several()).prop_map(|(h, v)| Step::AppendAll(h, v)),
        3 => (handle.clone(), 0..6u64, bytes()).prop_map(|(h, i, v)| Step::Write(h, i, v)),
        2 => (handle.clone(), any::<u64>()).prop_map(|(h, i)| Step::Read(h, i)),
        2 => (handle.clone(), any::<u64>(), 0..99usize).prop_map(|(h, i, n)| Step::ReadInto(h, i, n)),
        2 => (handle.clone(), any::<u64>(), 0..9u64).prop_map(|(h, i, n)| Step::Spans(h, i, n)),
        2 => (handle.clone(), prop::collection::vec(value(), 0..3))
            .prop_map(|(h, v)| Step::Section(h, v)),
        4 => (handle.clone(), several()).prop_map(|(h, v)| Step::Foreign(h, v)),
        2 => (handle.clone(), kind()).prop_map(|(h, k)| Step::Reopen(h, k)),
        1 => (handle.clone(), any::<u64>()).prop_map(|(h, i)| Step::Wait(h, i)),
        1 => handle.prop_map(Step::Seal),
    ]
}

/// The file's expected contents.
struct Model {
    capacity: u64,
    segments: Vec<Vec<u8>>,
    sealed: bool,
}

impl Model {
    fn len(&self) -> u64 {
        self.segments.len() as u64
    }

    fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len() as u64 + 4).sum()
    }

    /// Appends as the library should, or says why not.
    fn append(&mut self, access: Access, at: Option<u64>, values: &[Vec<u8>]) -> Result<u64> {
        let (index, available) = (self.len(), self.capacity - self.size());
        let needed: u64 = values.iter().map(|value| value.len() as u64 + 4).sum();
        if access == Access::Read {
            return Err(Error::ReadOnly);
        }
        if self.sealed {
            return Err(Error::Sealed);
        }
        if let Some(at) = at.filter(|at| *at != index) {
            return Err(Error::SegmentOrder { index: at, length: index });
        }
        if needed > available {
            return Err(Error::Capacity { needed, available, capacity: self.capacity });
        }
        self.segments.extend(values.iter().cloned());
        Ok(index)
    }

    fn read(&self, index: u64) -> Result<&Vec<u8>> {
        let found = usize::try_from(index).ok().and_then(|index| self.segments.get(index));
        found.ok_or(Error::SegmentRange { index, length: self.len() })
    }

    fn pick(&self, index: u64) -> u64 {
        if index == u64::MAX { index } else { index % (self.len() + 2) }
    }
}

struct World {
    model: Model,
    id: String,
    prefixes: Prefixes,
    raw: Raw,
    handles: Vec<MmFile>,
}

impl World {
    fn new(capacity: u64, kinds: &[Kind]) -> Self {
        let prefixes = support::own_prefixes("model");
        let options = CreateOptions {
            lifetime: Lifetime::LastProcess,
            prefixes: prefixes.clone(),
            ..Default::default()
        };
        let first = MmFile::create_new(capacity, &options).unwrap();
        let id = first.id().to_string();
        let raw = Raw::data(&prefixes, &id);
        let model = Model { capacity, segments: Vec::new(), sealed: false };
        let mut world = Self { model, id, prefixes, raw, handles: vec![first] };
        for kind in kinds {
            let handle = world.open(*kind);
            world.handles.push(handle);
        }
        world
    }

    fn open(&self, kind: Kind) -> MmFile {
        let Kind { access, synchronized } = kind;
        let options = OpenOptions {
            access,
            synchronized,
            prefixes: self.prefixes.clone(),
            ..Default::default()
        };
        MmFile::open_existing(&self.id, &options).unwrap()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Append(handle, value) => {
                let file = &self.handles[*handle];
                let expected = self.model.append(file.access(), None, &[value.bytes()]);
                assert_eq!(value.append(file), expected);
            }
            Step::AppendAll(handle, values) => {
                let file = &self.handles[*handle];
                let expected = self.model.append(file.access(), None, values);
                assert_eq!(file.append_all(values), expected);
            }
            Step::Write(handle, shift, value) => {
                let file = &self.handles[*handle];
                // Mostly the right index, else one of those around it or far away.
                let index = match shift {
                    0 => self.model.len().wrapping_sub(1),
                    1 => self.model.len() + 1,
                    _ => self.model.len(),
                };
                let expected =
                    self.model.append(file.access(), Some(index), std::slice::from_ref(value));
                assert_eq!(file.write(index, value), expected.map(|_| ()));
            }
            Step::Read(handle, index) => {
                let index = self.model.pick(*index);
                let file = &self.handles[*handle];
                assert_eq!(file.read(index), self.model.read(index).cloned());
                let size = self.model.read(index).map(|segment| segment.len() as u64);
                assert_eq!(file.byte_length(index), size);
            }
            Step::ReadInto(handle, index, room) => self.read_into(*handle, *index, *room),
            Step::Spans(handle, index, count) => {
                let mut spans = Vec::new();
                let index = self.model.pick(*index);
                let each = |span: Span| {
                    spans.push((span.offset, span.size));
                    (spans.len() as u64) < *count
                };
                self.handles[*handle].spans(index, each).unwrap();
                let all = self.spans();
                let first = usize::try_from(index).unwrap_or(usize::MAX).min(all.len());
                let count = (*count).max(1) as usize;
                assert_eq!(spans, all[first..all.len().min(first.saturating_add(count))]);
            }
            Step::Section(handle, values) => {
                let file = &self.handles[*handle];
                let guard = file.lock(Some(Timeout::Val(Duration::from_secs(1)))).unwrap();
                assert!(!guard.abandoned());
                assert_eq!(file.lock(None).unwrap_err(), Error::LockHeld);
                for value in values {
                    let expected = self.model.append(file.access(), None, &[value.bytes()]);
                    assert_eq!(value.append(file), expected);
                    assert_eq!(file.len(), Ok(self.model.len()));
                }
            }
            Step::Foreign(handle, values) => self.append_foreign(*handle, values),
            Step::Reopen(handle, kind) => self.handles[*handle] = self.open(*kind),
            Step::Wait(handle, index) => {
                let index = self.model.pick(*index);
                let expected = match self.model.read(index) {
                    Ok(_) => Ok(()),
                    Err(_) if self.model.sealed => Err(Error::Sealed),
                    Err(_) => Err(Error::Timeout { what: "waiting for a segment", holder: None }),
                };
                let timeout = Timeout::Val(Duration::ZERO);
                let waited = self.handles[*handle].wait_for(index, timeout, Duration::ZERO);
                assert_eq!(waited, expected);
            }
            Step::Seal(handle) => {
                let file = &self.handles[*handle];
                let readable = file.access() == Access::Read;
                assert_eq!(file.seal(), if readable { Err(Error::ReadOnly) } else { Ok(()) });
                self.model.sealed |= !readable;
            }
        }
    }

    fn read_into(&self, handle: usize, index: u64, room: usize) {
        let index = self.model.pick(index);
        let mut target = vec![0xaa; room];
        let answer = self.handles[handle].read_into(index, &mut target);
        let untouched = vec![0xaa; room];
        match self.model.read(index) {
            Ok(segment) if segment.len() <= room => {
                assert_eq!(answer, Ok(segment.len()));
                assert_eq!(&target[..segment.len()], segment);
                assert_eq!(target[segment.len()..], untouched[segment.len()..]);
            }
            Ok(segment) => {
                let (needed, available) = (segment.len() as u64, room as u64);
                assert_eq!(answer, Err(Error::TargetTooSmall { needed, available }));
                assert_eq!(target, untouched);
            }
            Err(error) => assert_eq!(answer, Err(error)),
        }
    }

    /// Appends as the article's programs do: size word, then payload, and no zero word behind it.
    fn append_foreign(&mut self, handle: usize, values: &[Vec<u8>]) {
        let file = &self.handles[handle];
        if self.model.sealed || file.access() == Access::Read {
            return; // the memory of one that may only read is private
        }
        let memory = file.view_memory().unwrap();
        assert_eq!(memory.len() as u64, self.model.capacity);
        for value in values {
            let at = self.model.size() as usize;
            if at + 4 + value.len() > memory.len() {
                return;
            }
            let word = if value.is_empty() { EMPTY } else { value.len() as u32 };
            // SAFETY: inside the mapping, as was just checked.
            unsafe {
                let target = memory.as_ptr().add(at);
                target.cast::<[u8; 4]>().write(word.to_le_bytes());
                target.add(4).copy_from(value.as_ptr(), value.len());
            }
            self.model.segments.push(value.clone());
        }
    }

    fn spans(&self) -> Vec<(u64, u64)> {
        let mut end = 0;
        let span = |segment: &Vec<u8>| {
            let span = (end + 4, segment.len() as u64);
            end = span.0 + span.1;
            span
        };
        self.model.segments.iter().map(span).collect()
    }

    fn check(&self) {
        let expected = self.spans();
        for file in &self.handles {
            let facts = (file.len().unwrap(), file.size().unwrap(), file.is_sealed().unwrap());
            assert_eq!(facts, (self.model.len(), self.model.size(), self.model.sealed));
            let mut spans = Vec::new();
            file.spans(0, |span| {
                spans.push((span.offset, span.size));
                true
            })
            .unwrap();
            assert_eq!(spans, expected);
            for (index, segment) in self.model.segments.iter().enumerate() {
                assert_eq!(&file.read(index as u64).unwrap(), segment);
            }
            assert_eq!(file.recovered(), 0);
        }
        let bytes = self.raw.bytes();
        assert_eq!(bytes.len() as u64, self.model.capacity);
        let frames = clean_frames(&bytes);
        assert_eq!(frames.segments, self.model.segments);
        assert_eq!(frames.end as u64, self.model.size());
        let marked = self.model.sealed && self.model.size() + 4 <= self.model.capacity;
        assert_eq!(frames.sealed, marked);
    }
}

fn capacity() -> impl Strategy<Value = u64> {
    prop_oneof![1..64u64, 64..1000u64, 4090..4110u64, 1000..20_000u64]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500 * support::rounds(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_sequence_of_operations_is_that_of_a_list(
        capacity in capacity(),
        kinds in prop::collection::vec(kind(), HANDLES - 1),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(capacity, &kinds);
        for step in &steps {
            world.take(step);
            world.check();
        }
        let unique = world.prefixes.data().to_owned();
        drop(world);
        assert_eq!(support::left_behind(&unique), [""; 0]);
    }
}
