//! One of the processes dies before any of its system calls.

use super::*;
use mmfile_core::platform::loom::die_after;
use std::cell::Cell;

thread_local! {
    /// How many system calls the process makes that dies.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// The model holds in every order, whichever system call one of its processes dies before.
fn holds_at_every_call(what: &str, preemptions: usize, model: fn()) {
    let before = u64::from(what.starts_with("death before"));
    let (mut orders, mut deaths) = (0, 0);
    for calls in 0.. {
        CALLS.set(calls);
        let (more, died) = check(depth(preemptions), None, model);
        let died = died - before * more;
        (orders, deaths) = (orders + more, deaths + died);
        if died == 0 {
            let _ = writeln!(
                std::io::stderr(),
                "    {what}: {orders} orders, {deaths} deaths at {calls} calls"
            );
            assert!(calls > 5, "{what}: calls");
            return;
        }
    }
}

fn dies_while(work: impl FnOnce() + Send + 'static) -> impl FnOnce() + Send + 'static {
    let calls = CALLS.get();
    move || {
        die_after(calls);
        work();
    }
}

fn one_of_two_dies() {
    let dies = process(3, None, dies_while(|| drop(create_or_open())));
    let lives = process(4, None, create_or_open);
    let _ = dies.end();
    is_found(lives.end().unwrap());
    one_sweep_leaves_nothing();
}

fn one_of_two_dies_that_find_a_stale_file() {
    stale_file();
    one_of_two_dies();
}

fn a_sweep_dies_at_a_call() {
    stale_file();
    let dies = process(3, None, dies_while(|| assert!(sweep_all() < 2)));
    let lives = process(4, None, create_or_open);
    let _ = dies.end();
    let file = lives.end().unwrap();
    assert!(file.is_creator(), "a stale file was opened");
    is_found(file);
    nothing_is_left();
}

fn an_opener_dies_at_a_call() {
    let file = here(2, None, create_or_open).unwrap();
    let dies = process(3, None, dies_while(|| drop(open())));
    let lives = process(4, None, move || {
        drop(file);
        create_or_open()
    });
    let _ = dies.end();
    is_found(lives.end().unwrap());
    one_sweep_leaves_nothing();
}

fn a_remover_dies_at_a_call() {
    let file = here(2, None, create_or_open).unwrap();
    let removes = || {
        let _ = remove(&FileId::parse(ID).unwrap(), Kind::File, &ListOptions::default());
    };
    let dies = process(3, None, dies_while(removes));
    let lives = process(4, None, create_or_open);
    let _ = dies.end();
    let other = lives.end().unwrap();
    here(7, None, || drop((file, other, create_or_open()))).unwrap();
    one_sweep_leaves_nothing();
}

fn a_creator_dies_that_ends_its_file() {
    let dies = process(3, None, dies_while(|| drop(create_new(Lifetime::Creator))));
    let lives = process(4, None, create_or_open);
    let _ = dies.end();
    let file = lives.end().unwrap();
    here(7, None, || drop((file, create_or_open()))).unwrap();
    one_sweep_leaves_nothing();
}

#[test]
fn a_process_may_die_before_every_system_call() {
    holds_at_every_call("createOrOpen, dying; createOrOpen", 2, one_of_two_dies);
    holds_at_every_call("createNew, dying; createOrOpen", 2, a_creator_dies_that_ends_its_file);
    holds_at_every_call("open, dying; close and createOrOpen", 2, an_opener_dies_at_a_call);
    holds_at_every_call("remove, dying; createOrOpen", 3, a_remover_dies_at_a_call);
}

#[test]
fn a_process_may_die_that_finds_a_stale_file() {
    let what = "death before; createOrOpen, dying; createOrOpen";
    holds_at_every_call(what, 2, one_of_two_dies_that_find_a_stale_file);
    holds_at_every_call("death before; sweep, dying; createOrOpen", 2, a_sweep_dies_at_a_call);
}
