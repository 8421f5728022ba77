//! Kills while a channel on disk is opened after the machine's end.

use super::*;

/// Where a process dies that opens a channel on disk after the machine's end.
pub const RECOVERING: &[&str] = &["recover.chained", "recover.forgotten"];

fn recoverer(args: &[String]) {
    drop(open(&args[0]));
}

#[test]
fn killed_while_recovering() {
    support::play(&[("recoverer", recoverer)]);
    let test = "channels::recovering::killed_while_recovering";
    for fault in RECOVERING {
        let scene = Scene::new(true);
        for number in 0..9 {
            scene.channel.send(&value("early", number), None, SOON).unwrap();
        }
        let Scene { channel, place, _folder } = scene;
        drop(channel);
        let mut bytes = std::fs::read(&place).unwrap();
        let session = bytes.len() - 4096 + 0x290;
        bytes[session] ^= 1;
        std::fs::write(&place, bytes).unwrap();
        for _ in 0..2 {
            let mut actor = Actor::start_with_fault(test, "recoverer", &[&place], fault);
            while actor.line().is_some() {}
            actor.wait_killed(fault);
        }
        let channel = open(&place);
        assert_eq!(channel.next_index().unwrap(), 9, "{fault}");
        let mut member = channel.member("workers", 1).unwrap();
        for index in 0..9 {
            let job = member.try_take().unwrap().unwrap();
            assert_eq!((job.message.index, job.attempt), (index, 1), "{fault}");
            member.ack(&job).unwrap();
        }
    }
}
