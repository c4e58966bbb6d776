//! Methods of a trait impl with companion = false: nothing stands beside them.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

trait Service {
    fn find(&self, id: u64) -> Result<u64, std::num::ParseIntError>;
    fn load(&self, id: u64) -> impl Future<Output = Result<u64, std::num::ParseIntError>>;
}

struct Plain<T>(T);

impl<T> Service for Plain<T> {
    #[cache(companion = false, skip(self))]
    fn find(&self, id: u64) -> Result<u64, std::num::ParseIntError> {
        if id == 0 {
            return Ok(0);
        }
        let one: u64 = "1".parse()?;
        Ok(computed() + one)
    }

    #[cache(companion = false, skip(self), bypass_if = id == 9)]
    async fn load(&self, mut id: u64) -> Result<u64, std::num::ParseIntError> {
        if id == 0 {
            return Ok(0);
        }
        id += "1".parse::<u64>()?;
        computed();
        Ok(id)
    }
}

fn main() {
    let plain = Plain(());
    assert_eq!((plain.find(1), plain.find(1), plain.find(0)), (Ok(2), Ok(2), Ok(0)));
    assert_eq!(Plain(1_u8).find(1), Ok(3));
    block_on(async {
        assert_eq!((plain.load(1).await, plain.load(1).await), (Ok(2), Ok(2)));
        assert_eq!(COMPUTED.load(SeqCst), 3);
        assert_eq!((plain.load(9).await, plain.load(9).await), (Ok(10), Ok(10)));
    });
    assert_eq!(COMPUTED.load(SeqCst), 5);
}
