//! Answers that were heard before. Most looks bring, byte for byte, what the look before them brought, and what such a
//! body says has been read and masked already.
//!
//! Bodies are known by two keyed hashes of 64 bits each, since a body may hold what is kept nowhere. What one says is
//! kept from the second time on: of most orders of a busy shop nothing is heard twice in a while.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::{Mutex, PoisonError};

use super::rest::Told;
use super::transport::Reply;

/// As many bodies in each of two generations: with some kilobytes each, a megabyte or two.
const BODIES_MAX: usize = 256;

type Body = (u64, u64);

/// What was heard of late.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    keys: (RandomState, RandomState),
    /// A std mutex: held to look up and to copy, never across an await.
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Body, Echo>,
    old: HashMap<Body, Echo>,
}

/// What is known of a body that was heard.
#[derive(Debug)]
enum Echo {
    /// That it was.
    Once,
    /// What it says.
    Says(Box<Told>),
}

impl Echoes {
    /// What `reply` tells, which `read` finds out where it was not heard before.
    pub(super) fn told(&self, reply: Reply, read: impl FnOnce(Reply) -> Told) -> Told {
        let Ok(body) = &reply else { return read(reply) };
        let body = (self.keys.0.hash_one(body), self.keys.1.hash_one(body));
        let before = self.lock().take(body);
        if let Some(Echo::Says(told)) = before {
            self.lock().put(body, Echo::Says(told.clone()));
            return *told;
        }
        let told = read(reply);
        let is_again = before.is_some() && told.whole.is_some();
        self.lock().put(body, if is_again { Echo::Says(Box::new(told.clone())) } else { Echo::Once });
        told
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn take(&mut self, body: Body) -> Option<Echo> {
        self.young.remove(&body).or_else(|| self.old.remove(&body))
    }

    fn put(&mut self, body: Body, echo: Echo) {
        if self.young.len() >= BODIES_MAX {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(body, echo);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::gateway::rest::read_status;
    use crate::gateway::scrub::Scrubber;

    use super::*;

    fn body(number: usize) -> Vec<u8> {
        format!(r#"{{"errorCode":"0","orderNumber":"A-{number}","orderStatus":0,"amount":100,"currency":"643"}}"#)
            .into()
    }

    /// Bodies as they are heard, and how often one had to be read.
    #[test]
    fn what_was_heard_twice_is_not_read_a_third_time() {
        let scrubber = Scrubber::new(&"secret".to_owned().into());
        let others = || (100..100 + 2 * BODIES_MAX).map(body);
        let table: [(&str, Vec<Vec<u8>>, usize); 5] = [
            ("once", vec![body(1)], 1),
            ("three times", vec![body(1), body(1), body(1), body(1)], 2),
            ("another in between", vec![body(1), body(2), body(1), body(2), body(1), body(2)], 4),
            (
                "what is no answer is read each time",
                vec![b"<html>".to_vec(), b"<html>".to_vec(), b"<html>".to_vec()],
                3,
            ),
            (
                "forgotten after many others",
                [body(1), body(1)].into_iter().chain(others()).chain([body(1)]).collect(),
                3 + 2 * BODIES_MAX,
            ),
        ];
        for (case, heard, read) in table {
            let (echoes, times) = (Echoes::default(), Cell::new(0));
            for body in heard {
                let told = echoes.told(Ok(body.clone()), |reply| {
                    times.set(times.get() + 1);
                    read_status(reply, &scrubber)
                });
                assert_eq!(told, read_status(Ok(body), &scrubber), "{case}");
            }
            assert_eq!(times.get(), read, "{case}");
            let generations = echoes.lock();
            assert!(generations.young.len() + generations.old.len() <= 2 * BODIES_MAX, "{case}");
        }
    }
}
