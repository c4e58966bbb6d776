//! Threads that live as long as the benchmark, because some contestants keep what they cached in the thread that computed it.

use std::{
    sync::{
        Arc, Barrier,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

/// What each thread does, given its number and a barrier for all of them.
pub type Work<T> = Arc<dyn Fn(usize, &Barrier) -> T + Send + Sync>;

/// Some threads that wait for work.
#[derive(Debug)]
pub struct Workers {
    jobs: Vec<Sender<Job>>,
}

impl Workers {
    /// Starts them.
    #[must_use]
    pub fn start(count: usize) -> Workers {
        let start_one = |_| {
            let (send, receive): (Sender<Job>, Receiver<Job>) = channel();
            thread::spawn(move || receive.into_iter().for_each(|job| job()));
            send
        };
        Workers { jobs: (0..count).map(start_one).collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.jobs.len()
    }

    /// Runs `work` on the first `threads` of them at once, with the number of the thread and a barrier for all; returns what each gave.
    ///
    /// # Panics
    /// Where `work` panicked.
    pub fn run<T: Send + 'static>(&self, threads: usize, work: &Work<T>) -> Vec<T> {
        let (barrier, (send, receive)) = (Arc::new(Barrier::new(threads)), channel());
        for (thread, jobs) in self.jobs.iter().take(threads).enumerate() {
            let (work, barrier, send) = (work.clone(), barrier.clone(), send.clone());
            // A worker that is gone has panicked, and shows below as an answer that is missing.
            jobs.send(Box::new(move || drop(send.send(work(thread, &barrier))))).ok();
        }
        drop(send);
        let answers: Vec<T> = receive.into_iter().collect();
        assert_eq!(answers.len(), threads, "a contestant panicked");
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_on_the_threads_asked_for() {
        let workers = Workers::start(3);
        let work: Work<usize> = Arc::new(|thread, barrier: &Barrier| {
            barrier.wait();
            thread
        });
        let mut answers = workers.run(2, &work);
        answers.sort_unstable();
        assert_eq!(answers, [0, 1]);
    }
}
