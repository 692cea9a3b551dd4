//! A timer that an epoll can wait for, finer than its own timeout of whole milliseconds.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// Becomes readable at the time it is set to.
#[derive(Debug)]
pub(crate) struct Timer {
    fd: OwnedFd,
    set_to_ns: u64,
}

impl Timer {
    /// A timer that `poll` reports with `token`.
    pub(crate) fn new(poll: &Poll, token: Token) -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { fd, set_to_ns: 0 })
    }

    /// Sets it to a time of [`crate::clock::now_ns`].
    pub(crate) fn set(&mut self, at_ns: u64) -> io::Result<()> {
        if at_ns == self.set_to_ns {
            return Ok(());
        }
        let part = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let at = Timespec { tv_sec: part(at_ns / 1_000_000_000), tv_nsec: part(at_ns % 1_000_000_000) };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(
            &self.fd,
            TimerfdTimerFlags::ABSTIME,
            &Itimerspec { it_interval: never, it_value: at },
        )?;
        self.set_to_ns = at_ns;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::Events;

    use super::*;
    use crate::clock::now_ns;

    #[test]
    fn it_wakes_the_poll_again_and_again() {
        let mut poll = Poll::new().unwrap();
        let mut timer = Timer::new(&poll, Token(7)).unwrap();
        for _ in 0..3 {
            let at = now_ns() + 300_000;
            timer.set(at).unwrap();
            let mut events = Events::with_capacity(4);
            poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
            assert_eq!(events.iter().map(|event| event.token()).collect::<Vec<_>>(), [Token(7)]);
            assert!(now_ns() >= at);
        }
    }
}
