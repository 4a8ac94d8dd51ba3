//! The bell: rings after every change that may have made something due.
//!
//! Whoever waited first is woken first. `tokio::sync::watch` wakes in an order that it draws from the host's entropy,
//! and a simulation of one seed would have several logs.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Who rings. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<Rope>);

#[derive(Debug, Default)]
struct Rope {
    rung: AtomicU64,
    waiting: Notify,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.0.rung.fetch_add(1, Ordering::SeqCst);
        self.0.waiting.notify_waiters();
    }

    /// Hears what is rung from now on.
    pub(super) fn listen(&self) -> Listener {
        Listener { rope: Arc::clone(&self.0), heard: self.0.rung.load(Ordering::SeqCst) }
    }
}

/// Who hears it.
#[derive(Clone, Debug)]
pub struct Listener {
    rope: Arc<Rope>,
    heard: u64,
}

impl Listener {
    /// Returns once it was rung since the last time this returned; at once when it was already.
    pub async fn changed(&mut self) {
        let mut ringing = pin!(self.rope.waiting.notified());
        // In line before the count is read, so that no ring falls between the two.
        ringing.as_mut().enable();
        if self.rope.rung.load(Ordering::SeqCst) == self.heard {
            ringing.await;
        }
        self.heard = self.rope.rung.load(Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;

    /// A waiting listener, polled by hand, that writes its name down when it is woken.
    struct Waiting {
        changed: Pin<Box<dyn Future<Output = ()>>>,
        waker: Waker,
    }

    struct Name {
        name: &'static str,
        woken: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Wake for Name {
        fn wake(self: Arc<Self>) {
            self.woken.lock().unwrap().push(self.name);
        }
    }

    impl Waiting {
        fn new(bell: &Bell, name: &'static str, woken: &Arc<Mutex<Vec<&'static str>>>) -> Self {
            let mut listener = bell.listen();
            let waker = Waker::from(Arc::new(Name { name, woken: Arc::clone(woken) }));
            Self { changed: Box::pin(async move { listener.changed().await }), waker }
        }

        fn is_over(&mut self) -> bool {
            self.changed.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready()
        }
    }

    fn is_over(listener: &mut Listener) -> bool {
        pin!(listener.changed()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    /// What is done before a listener waits, and whether it has something to hear then.
    #[test]
    fn a_listener_hears_what_is_rung_from_its_beginning_on_and_each_time_once() {
        type Before = fn(&Bell, &mut Listener);
        let table: [(&str, Before, bool); 7] = [
            ("nothing", |_, _| {}, false),
            ("a ring", |bell, _| bell.ring(), true),
            (
                "two rings are one",
                |bell, listener| {
                    bell.ring();
                    bell.ring();
                    assert!(is_over(listener));
                },
                false,
            ),
            (
                "a ring that was heard",
                |bell, listener| {
                    bell.ring();
                    assert!(is_over(listener));
                },
                false,
            ),
            (
                "a ring after one that was heard",
                |bell, listener| {
                    bell.ring();
                    assert!(is_over(listener));
                    bell.ring();
                },
                true,
            ),
            (
                "a ring while nobody waited any more",
                |bell, listener| {
                    assert!(!is_over(listener), "given up, as select! does");
                    bell.ring();
                },
                true,
            ),
            ("a ring of another bell", |_, _| Bell::default().ring(), false),
        ];
        for (case, before, is_heard) in table {
            let bell = Bell::default();
            bell.ring();
            let mut listener = bell.listen();
            before(&bell, &mut listener);
            assert_eq!(is_over(&mut listener), is_heard, "{case}");
        }
    }

    /// A listener that is copied has heard what the first had heard, and each hears for itself from then on.
    #[test]
    fn a_copy_of_a_listener_hears_for_itself() {
        let bell = Bell::default();
        let mut first = bell.listen();
        bell.ring();
        let mut copy = first.clone();
        assert!(is_over(&mut first) && is_over(&mut copy));
        assert!(!is_over(&mut first) && !is_over(&mut copy));
        bell.clone().ring();
        assert!(is_over(&mut copy) && is_over(&mut first));
    }

    /// Whoever waited first is woken first, whatever the host's entropy is: one seed has one log.
    #[test]
    fn whoever_waited_first_is_woken_first() {
        let names = ["poller", "completer", "watchman", "checker", "api"];
        for rotated in 0..names.len() {
            let (bell, woken) = (Bell::default(), Arc::default());
            let mut expected = names;
            expected.rotate_left(rotated);
            let mut waiting = expected.map(|name| Waiting::new(&bell, name, &woken));
            assert!(!waiting.iter_mut().any(Waiting::is_over));
            bell.ring();
            assert_eq!(*woken.lock().unwrap(), expected);
            assert!(waiting.iter_mut().all(Waiting::is_over));
        }
    }

    /// A ring is for everybody: one that is given up on the way, before it was polled, after it was woken or while it
    /// waits, takes it from nobody.
    #[test]
    fn a_listener_that_is_dropped_swallows_no_ring() {
        let others = ["first", "last"];
        for (case, is_polled, is_rung) in [
            ("dropped before it waited", false, false),
            ("dropped while it waited", true, false),
            ("dropped when it was woken", true, true),
        ] {
            let (bell, woken) = (Bell::default(), Arc::default());
            let [mut first, mut dropped, mut last] =
                ["first", "dropped", "last"].map(|name| Waiting::new(&bell, name, &woken));
            assert!(!first.is_over(), "{case}");
            assert!(!is_polled || !dropped.is_over(), "{case}");
            assert!(!last.is_over(), "{case}");
            if is_rung {
                bell.ring();
                drop(dropped);
            } else {
                drop(dropped);
                bell.ring();
            }
            let heard: Vec<_> = woken.lock().unwrap().iter().copied().filter(|name| others.contains(name)).collect();
            assert_eq!(heard, others, "{case}");
            assert!(first.is_over() && last.is_over(), "{case}");
        }
    }

    /// Between the look at the count and the wait no ring falls through, on however many threads.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_ring_is_lost_on_another_thread() {
        const RINGS: u64 = 2_000;
        let bell = Bell::default();
        let mut listener = bell.listen();
        let heard = Arc::new(AtomicU64::new(0));
        let (seen, rope) = (Arc::clone(&heard), Arc::clone(&bell.0));
        let listening = tokio::spawn(async move {
            while listener.heard < RINGS {
                listener.changed().await;
                seen.store(listener.heard, Ordering::SeqCst);
            }
        });
        let ringing = tokio::task::spawn_blocking(move || (0..RINGS).for_each(|_| bell.ring()));
        ringing.await.unwrap();
        listening.await.unwrap();
        assert_eq!((heard.load(Ordering::SeqCst), rope.rung.load(Ordering::SeqCst)), (RINGS, RINGS));
    }
}
