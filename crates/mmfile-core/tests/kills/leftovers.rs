//! What a sweep takes away with a dead process's control block: its data, wherever that is, and nobody
//! else's.

use super::closing::closer;
use super::lifecycle::{CREATING, create_options, creator, open, start};
use super::points;
use super::support::raw::{OFF_DATA_IDENTITY, Raw};
use super::support::{self, control_name, left_behind, own_prefixes};
use mmfile_core::*;

const ROLES: &[support::Role] = &[("closer", closer), ("creator", creator)];
const ID: &str = "it";

fn control(prefixes: &Prefixes, id: &str) -> Raw {
    Raw::open(&control_name(prefixes.mutex(), id))
}

/// Whoever sweeps need not have the prefix of the data: the control block says where it is.
#[test]
#[cfg_attr(windows, ignore = "the kernel leaves nothing to sweep")]
fn data_goes_with_its_control_block_under_any_prefix() {
    support::play(ROLES);
    let test = "leftovers::data_goes_with_its_control_block_under_any_prefix";
    for length in [40, 41, 63, 64] {
        for point in points::of(CREATING) {
            let dead = own_prefixes("leftovers");
            let data = format!("{:x>length$}", dead.data());
            let dead = Prefixes::new(data, dead.mutex()).unwrap();
            start(test, "creator", &dead, ID, point).wait_killed(point);
            let sweeper = Prefixes::new("mmtest-another-data-", dead.mutex()).unwrap();
            let swept = sweep(&sweeper).unwrap();
            let begun = !["registry.opened", "registry.held", "create.swept"].contains(&point);
            assert_eq!(swept.len(), usize::from(begun), "{point}");
            let common = dead.mutex().trim_end_matches("lock-");
            assert_eq!(left_behind(common), [""; 0], "{point}");
        }
    }
}

/// File systems give the number of an object that is gone to another: what a dead process recorded of
/// its data may fit somebody else's.
#[test]
#[cfg_attr(windows, ignore = "the kernel leaves nothing to sweep")]
fn a_sweep_leaves_alone_what_a_number_fits_by_chance() {
    support::play(ROLES);
    let test = "leftovers::a_sweep_leaves_alone_what_a_number_fits_by_chance";
    let [dead, others] = [own_prefixes("leftovers"), own_prefixes("leftovers")];
    let same_name = Prefixes::new(dead.data(), others.mutex()).unwrap();
    // Another file, with its data under the name of the dead one's, with another prefix, with another id.
    for (prefixes, id) in [(&same_name, ID), (&others, ID), (&others, "another")] {
        // It dies between taking the data's name away and the control block's.
        let mut actor = start(test, "closer", &dead, ID, "+remove.data");
        assert_eq!(actor.expect(), "made");
        actor.tell("close");
        actor.wait_killed("remove.data");
        let options = create_options(prefixes, id, Lifetime::Creator);
        let alive = MmFile::create_new(4096, &options).unwrap();
        alive.append("here").unwrap();
        let number = &control(prefixes, id).bytes()[OFF_DATA_IDENTITY..][..16];
        control(&dead, ID).put(OFF_DATA_IDENTITY, number);

        assert_eq!(sweep(&dead).unwrap(), [FileId::parse(ID).unwrap()]);
        assert_eq!(open(prefixes, id).unwrap().read_text(0).unwrap(), "here");
        drop(alive);
        for prefixes in [&dead, &others] {
            assert_eq!(left_behind(prefixes.data().trim_end_matches("data-")), [""; 0]);
        }
    }
}
