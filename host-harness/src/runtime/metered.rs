//! Ends work that takes too long, or too much of a processor.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Sleep, sleep_until};

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    /// The deadline.
    Time,
    /// The time of a processor.
    Cpu,
}

/// Work under a deadline and a limit of processor time. The work must give way now and then; it is dropped at its limit.
pub(super) struct Metered<F> {
    work: Pin<Box<F>>,
    deadline: Instant,
    alarm: Pin<Box<Sleep>>,
    cpu: Duration,
    spent: Duration,
}

impl<F> Metered<F> {
    /// Work that ends at `deadline` or after `cpu` of a processor, waiting not counted.
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
        // The clock itself, too: work that gives way and goes on at once may keep the timers waiting.
        if Instant::now() >= self.deadline || self.alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(Spent::Time));
        }
        // Work is polled on this thread, so this thread's time is what it takes.
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

    /// Computes, and gives way all the time.
    async fn busy() {
        loop {
            black_box((0..10_000_u64).fold(0, |a, b| a ^ black_box(b)));
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_that_computes_is_ended_by_its_processor_time_and_work_that_waits_by_its_deadline()
    {
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
