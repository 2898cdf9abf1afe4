//! Ends a future at a deadline or at a limit of CPU time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Sleep, sleep_until};

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    /// The deadline.
    Time,
    /// The CPU time.
    Cpu,
}

/// A future under a deadline and a limit of CPU time. It must yield now and then, and is dropped at
/// its limit.
pub(super) struct Metered<F> {
    work: Pin<Box<F>>,
    deadline: Instant,
    alarm: Pin<Box<Sleep>>,
    cpu: Duration,
    spent: Duration,
}

impl<F> Metered<F> {
    /// Wraps a future, to end at `deadline` or after `cpu` of CPU time, waiting not counted.
    pub(super) fn new(work: F, deadline: Instant, cpu: Duration) -> Self {
        Self {
            work: Box::pin(work),
            deadline,
            alarm: Box::pin(sleep_until(deadline.into())),
            cpu,
            spent: Duration::ZERO,
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = Result<F::Output, Spent>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Checks the clock as well as the timer: work that yields and resumes at once may starve
        // timers.
        if Instant::now() >= self.deadline || self.alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(Spent::Time));
        }
        // The work runs on this thread while it is polled, so the thread's CPU time is the work's.
        let before = thread_time();
        let polled = self.work.as_mut().poll(context);
        self.spent += thread_time().saturating_sub(before);
        match polled {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if self.spent > self.cpu => Poll::Ready(Err(Spent::Cpu)),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::hint::black_box;

    use super::*;

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    /// Computes and yields in a loop.
    async fn busy() {
        loop {
            black_box((0..10_000_u64).fold(0, |a, b| a ^ black_box(b)));
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn cpu_limit_ends_busy_work_deadline_ends_waits() {
        let hour = Duration::from_secs(3600);
        assert_eq!(Metered::new(ready(1), far(), hour).await, Ok(1));
        let little = Duration::from_millis(5);
        assert_eq!(Metered::new(busy(), far(), little).await, Err(Spent::Cpu));
        let soon = || Instant::now() + Duration::from_millis(5);
        assert_eq!(Metered::new(busy(), soon(), hour).await, Err(Spent::Time));
        let waiting = Metered::new(pending::<()>(), soon(), little).await;
        assert_eq!(waiting, Err(Spent::Time));
    }
}
