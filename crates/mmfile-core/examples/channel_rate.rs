//! How fast a channel is between two processes, with busy waiting: one way, and there and back.
//!
//! `cargo run --release -p mmfile-core --example channel_rate`

use mmfile_core::{Channel, ChannelOptions, Member, OpenChannelOptions, StartFrom, Timeout};
use std::process::Command;
use std::time::{Duration, Instant};

const SPIN: Duration = Duration::from_millis(100);
const FOREVER: Timeout = Timeout::Infinite;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("sink") => sink(&args[2], args[3].parse()?),
        Some("echo") => echo(&args[2], &args[3], args[4].parse()?),
        Some("work") => work(&args[2]),
        _ => measure(),
    }
}

fn measure() -> Outcome<()> {
    for size in [64, 64 << 10, 1 << 20] {
        let count = if size == 64 { 3_000_000 } else { 4_000_000_000 / size as u64 / 4 };
        for exclusive in [true, false] {
            let rate = one_way(size, count, exclusive)?;
            let who = if exclusive { "exclusive" } else { "shared" };
            println!("one way, {size} B, {who}: {:.0} messages/s", rate * 1e6);
        }
        let count = if size == 64 { 500_000 } else { 20_000_000 / size as u64 * 8 };
        println!("there and back, {size} B: {:.0} ns", there_and_back(size, count)?);
    }
    println!("jobs, 64 B, four workers: {:.2} M/s", jobs(400_000)?);
    Ok(())
}

fn capacity(size: usize) -> u64 {
    (size as u64 * 16).max(4 << 20)
}

fn new_channel(size: usize) -> Outcome<Channel> {
    Ok(Channel::create_new(&ChannelOptions { capacity: capacity(size), ..Default::default() })?)
}

fn open(id: &str) -> Outcome<Channel> {
    Ok(Channel::open_existing(id, &OpenChannelOptions::default())?)
}

fn start(args: &[&str]) -> Outcome<std::process::Child> {
    Ok(Command::new(std::env::current_exe()?).args(args).spawn()?)
}

fn until_joined(channel: &Channel, participants: usize) -> Outcome<()> {
    while channel.participants()?.len() < participants {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Millions a second.
fn one_way(size: usize, count: u64, exclusive: bool) -> Outcome<f64> {
    let channel = new_channel(size)?;
    let mut child = start(&["sink", channel.id(), &count.to_string()])?;
    until_joined(&channel, 1)?;
    let value = vec![1_u8; size];
    let begun = Instant::now();
    if exclusive {
        let mut writer = channel.exclusive_writer(FOREVER)?;
        for _ in 0..count {
            while writer.try_send(&value, None)?.is_none() {
                std::hint::spin_loop();
            }
        }
    } else {
        for _ in 0..count {
            while channel.try_send(&value, None)?.is_none() {
                std::hint::spin_loop();
            }
        }
    }
    child.wait()?;
    Ok(count as f64 / begun.elapsed().as_secs_f64() / 1e6)
}

fn sink(id: &str, count: u64) -> Outcome<()> {
    let mut reader = open(id)?.reader(StartFrom::New)?;
    let mut messages = Vec::new();
    let mut received = 0;
    while received < count {
        messages.clear();
        received += reader.try_receive_all(512, &mut messages)? as u64;
        if let Some(last) = messages.last() {
            reader.release_through(last.position);
        }
    }
    Ok(())
}

/// Nanoseconds.
fn there_and_back(size: usize, count: u64) -> Outcome<f64> {
    let (requests, replies) = (new_channel(size)?, new_channel(size)?);
    let mut child = start(&["echo", requests.id(), replies.id(), &count.to_string()])?;
    let mut reader = replies.reader(StartFrom::New)?;
    until_joined(&requests, 1)?;
    let mut writer = requests.exclusive_writer(FOREVER)?;
    let value = vec![1_u8; size];
    let begun = Instant::now();
    for _ in 0..count {
        writer.send(&value, None, FOREVER)?;
        let message = reader.receive(FOREVER, SPIN)?;
        reader.release(message.position);
    }
    let each = begun.elapsed().as_nanos() as f64 / count as f64;
    child.wait()?;
    Ok(each)
}

fn echo(requests: &str, replies: &str, count: u64) -> Outcome<()> {
    let mut reader = open(requests)?.reader(StartFrom::New)?;
    let mut writer = open(replies)?.exclusive_writer(FOREVER)?;
    for _ in 0..count {
        let message = reader.receive(FOREVER, SPIN)?;
        let value = reader.read(&message)?;
        reader.release(message.position);
        writer.send(&value, None, FOREVER)?;
    }
    Ok(())
}

/// Millions a second.
fn jobs(count: u64) -> Outcome<f64> {
    let groups = vec!["workers".into()];
    let channel = Channel::create_new(&ChannelOptions { groups, ..Default::default() })?;
    let workers: Vec<_> = (0..4).map(|_| start(&["work", channel.id()])).collect::<Outcome<_>>()?;
    until_joined(&channel, 5)?;
    let begun = Instant::now();
    for _ in 0..count {
        channel.send(&[1_u8; 64], None, FOREVER)?;
    }
    channel.seal(FOREVER)?;
    for mut worker in workers {
        worker.wait()?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64() / 1e6)
}

fn work(id: &str) -> Outcome<()> {
    let mut member: Member = open(id)?.member("workers", 1)?;
    loop {
        match member.take(FOREVER, Duration::ZERO) {
            Ok(job) => member.ack(&job)?,
            Err(mmfile_core::Error::Sealed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
