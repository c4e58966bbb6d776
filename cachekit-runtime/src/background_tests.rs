use super::*;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::task::{Context, Poll, Waker};

fn pool(limits: Limits) -> (Arc<Tasks>, Pool) {
    let tasks = Arc::new(Tasks::default());
    (Arc::clone(&tasks), Pool::new(tasks, limits))
}

#[test]
fn at_most_two_threads_run_all_jobs() {
    let (tasks, pool) = pool(Limits::default());
    let names = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..500 {
        let names = Arc::clone(&names);
        assert!(pool.try_spawn(Box::new(move || {
            lock(&names).push(thread::current().name().map(str::to_owned));
        })));
    }
    Tasks::flush(&tasks).wait();
    let names = lock(&names);
    assert_eq!(names.len(), 500);
    let distinct: HashSet<_> = names.iter().flatten().map(String::as_str).collect();
    assert!(distinct.iter().all(|name| ["cachekit-bg-0", "cachekit-bg-1"].contains(name)), "{distinct:?}");
}

#[test]
fn two_jobs_run_side_by_side() {
    let (tasks, pool) = pool(Limits::default());
    let barrier = Arc::new(std::sync::Barrier::new(2));
    for _ in 0..2 {
        let barrier = Arc::clone(&barrier);
        assert!(pool.try_spawn(Box::new(move || _ = barrier.wait())));
    }
    Tasks::flush(&tasks).wait();
}

#[test]
fn a_full_queue_refuses_and_a_panic_harms_no_one() {
    let (tasks, pool) = pool(Limits { threads: 1, queue: 2, ..Limits::default() });
    let (started, has_started) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    assert!(pool.try_spawn(Box::new(move || {
        started.send(()).ok();
        released.recv().ok();
        panic!("expected by a test");
    })));
    assert_eq!(has_started.recv(), Ok(()));
    let (done, is_done) = mpsc::channel();
    for job in 0..2 {
        let done = done.clone();
        assert!(pool.try_spawn(Box::new(move || done.send(job).unwrap_or(()))));
    }
    assert!(!pool.try_spawn(Box::new(|| ())), "the queue is full");
    let flush = Tasks::flush(&tasks);
    assert!(!flush.is_done() && !flush.wait_timeout(Duration::ZERO));
    release.send(()).ok();
    flush.wait();
    assert!(flush.wait_timeout(Duration::MAX));
    assert_eq!(is_done.try_iter().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn idle_threads_leave_and_new_ones_come() {
    struct AtExit(Sender<()>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }
    thread_local!(static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) });

    let (_tasks, pool) = pool(Limits { idle: Duration::ZERO, ..Limits::default() });
    for _ in 0..20 {
        let (left, has_left) = mpsc::channel();
        assert!(pool.try_spawn(Box::new(move || AT_EXIT.set(Some(AtExit(left))))));
        assert_eq!(has_left.recv(), Ok(()));
    }
    assert_eq!(lock(&pool.shared.queue).running, [false, false]);
}

#[test]
fn a_flush_waits_for_earlier_work_only() {
    let tasks = Arc::new(Tasks::default());
    let first = Tasks::begin(&tasks);
    let flush = Tasks::flush(&tasks);
    let second = Tasks::begin(&tasks);
    assert!(first.is_some() && second.is_some() && !flush.is_done());
    drop(first);
    assert!(flush.is_done());
    assert!(!Tasks::flush(&tasks).is_done());
    drop(second);
    assert!(Tasks::flush(&tasks).is_done());
}

#[test]
fn a_flush_can_be_awaited_and_waited_for_at_once() {
    let tasks = Arc::new(Tasks::default());
    let work = Tasks::begin(&tasks);
    let flush = Tasks::flush(&tasks);
    let mut future = flush.clone().into_future();
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    thread::scope(|scope| {
        scope.spawn(|| flush.wait());
        scope.spawn(|| block_on(future));
        scope.spawn(|| drop(work));
    });
}

#[test]
fn an_end_just_before_the_wait_is_not_missed() {
    let tasks = Arc::new(Tasks::default());
    let (slot, stop) = (Mutex::new(None), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                drop(lock(&slot).take());
            }
        });
        for round in 0..100_000 {
            let flush = {
                let mut slot = lock(&slot);
                *slot = Tasks::begin(&tasks);
                Tasks::flush(&tasks)
            };
            // Moves the look of this thread along the other's drop.
            (0..round % 64).for_each(|_| std::hint::spin_loop());
            if round % 2 == 0 {
                flush.wait();
            } else {
                block_on(flush.into_future());
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_work_leaves_to_others_is_part_of_it() {
    let tasks = Arc::default();
    let work = Tasks::begin(&tasks).expect("nothing was shut down");
    let flush = Tasks::flush(&tasks);
    let later = Tasks::begin(&tasks);
    let entered = work.enter();
    tasks.shut_down();
    assert!(Tasks::begin(&tasks).is_none(), "other work is refused");
    let part = Tasks::begin_part(&tasks);
    assert!(part.is_some());
    drop(entered);
    assert!(Tasks::begin_part(&tasks).is_none(), "here it would be a part of nothing");
    drop(work);
    assert!(!flush.is_done());
    drop(part);
    assert!(flush.is_done() && !Tasks::flush(&tasks).is_done());
    drop(later);
    assert!(Tasks::flush(&tasks).is_done());
}

#[test]
fn after_the_shutdown_no_work_begins_and_queued_work_ends() {
    let (tasks, pool) = pool(Limits { threads: 1, ..Limits::default() });
    let (release, released) = mpsc::channel::<()>();
    let (done, is_done) = mpsc::channel();
    assert!(pool.try_spawn(Box::new(move || _ = released.recv())));
    assert!(pool.try_spawn(Box::new(move || done.send(()).unwrap_or(()))));
    tasks.shut_down();
    tasks.shut_down();
    assert!(tasks.is_shut_down() && Tasks::begin(&tasks).is_none());
    assert!(!pool.try_spawn(Box::new(|| ())));
    drop(release);
    Tasks::flush(&tasks).wait();
    assert_eq!(is_done.try_recv(), Ok(()));
}

#[test]
fn a_flush_inside_of_a_background_job_does_not_wait_for_itself() {
    let (tasks, pool) = pool(Limits::default());
    let (done, is_done) = mpsc::channel();
    let inner = Arc::clone(&tasks);
    assert!(pool.try_spawn(Box::new(move || {
        Tasks::flush(&inner).wait();
        done.send(()).ok();
    })));
    assert_eq!(is_done.recv(), Ok(()));
}

#[test]
fn a_covered_future_is_background_work_until_it_ends() {
    let tasks = Arc::new(Tasks::default());
    let Some(guard) = Tasks::begin(&tasks) else { panic!("nothing was shut down") };
    let (open, opened) = (Event::new(), Arc::clone(&tasks));
    let listener = open.listen();
    let mut future = pin!(guard.cover(async move {
        listener.await;
        Tasks::flush(&opened).await;
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert!(!Tasks::flush(&tasks).is_done(), "this thread is not in the background between polls");
    open.notify(1);
    assert!(future.as_mut().poll(&mut context).is_ready(), "it does not wait for itself");
    assert!(Tasks::flush(&tasks).is_done());
}

#[test]
fn a_covered_future_that_panics_or_is_dropped_has_ended() {
    let tasks = Arc::new(Tasks::default());
    let Some(guard) = Tasks::begin(&tasks) else { panic!("nothing was shut down") };
    run_caught("a test", || block_on(guard.cover(async { panic!("expected by a test") })));
    assert!(Tasks::flush(&tasks).is_done() && RUNNING.get().is_none());
    let Some(guard) = Tasks::begin(&tasks) else { panic!("nothing was shut down") };
    drop(guard.cover(std::future::pending::<()>()));
    assert!(Tasks::flush(&tasks).is_done());
}

#[test]
fn a_panic_whose_payload_panics_is_caught() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("expected by a test");
            }
        }
    }
    let mut reached = false;
    run_caught("a test", || std::panic::panic_any(Bomb));
    run_caught("a test", || reached = true);
    assert!(reached);
}

#[test]
fn block_on_survives_a_future_that_uses_up_the_token() {
    let mut polls = 0;
    let output = block_on(std::future::poll_fn(|context| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(polls);
        }
        context.waker().wake_by_ref();
        thread::park();
        Poll::Pending
    }));
    assert_eq!(output, 3);
}
