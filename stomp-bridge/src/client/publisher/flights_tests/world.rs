use super::*;

/// The flights with a broker that closes the connection on a poison message.
pub(super) struct World {
    pub(super) flights: Flights<usize>,
    pub(super) now: Instant,
    pub(super) window: usize,
    /// In flight, in the order of their SENDs; `None` without a connection.
    pub(super) pipe: Option<VecDeque<(Seq, usize)>>,
    pub(super) messages: Vec<Told>,
    pub(super) arrivals: Vec<usize>,
    pub(super) cuts: usize,
    pub(super) renewals: usize,
}

pub(super) struct Told {
    pub(super) key: Option<u8>,
    pub(super) poison: bool,
    /// Numbers of earlier messages of its key that had no answer when it was submitted.
    pub(super) ahead: Vec<usize>,
    pub(super) answer: Option<Result<Published, PublishError>>,
}

impl World {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            flights: Flights::new(rules),
            now: Instant::now(),
            window: 4,
            pipe: None,
            messages: Vec::new(),
            arrivals: Vec::new(),
            cuts: 0,
            renewals: 0,
        }
    }

    pub(super) fn submit(&mut self, key: Option<u8>, poison: bool) {
        let id = self.messages.len();
        let same = |m: &Told| key.is_some() && m.key == key && m.answer.is_none();
        let ahead = (0..id).filter(|&n| same(&self.messages[n])).collect();
        self.messages.push(Told {
            key,
            poison,
            ahead,
            answer: None,
        });
        self.flights.submit(self.now, message(key, id), id);
        self.take_answers();
    }

    pub(super) fn connect(&mut self) {
        if self.pipe.is_none() {
            self.pipe = Some(VecDeque::new());
            self.flights.begun(self.now);
        }
    }

    pub(super) fn send(&mut self) {
        self.flights.judge(self.now, 0);
        self.take_answers();
        let Some(pipe) = &mut self.pipe else { return };
        if self.flights.wants_renewal(self.now) {
            assert!(pipe.is_empty());
            self.flights.begun(self.now);
            self.renewals += 1;
        }
        while pipe.len() < self.window {
            let next = self.flights.next_send(self.now, |_| true);
            let Some((seq, publication)) = next else {
                return;
            };
            let id = publication.message_id.as_deref().unwrap();
            pipe.push_back((seq, id.parse().unwrap()));
        }
    }

    /// The broker takes the next message in; `receipt` says whether its receipt gets through.
    pub(super) fn process(&mut self, receipt: bool) {
        let Some(&(seq, id)) = self.pipe.as_ref().and_then(VecDeque::front) else {
            return;
        };
        if self.messages[id].poison {
            return self.cut(&closed());
        }
        for ahead in &self.messages[id].ahead {
            assert!(
                self.arrivals.contains(ahead),
                "{id} overtook {ahead} of its key"
            );
        }
        self.arrivals.push(id);
        if receipt {
            self.pipe.as_mut().unwrap().pop_front();
            self.flights.confirmed(seq);
            self.take_answers();
        } else {
            // It, and perhaps more, is in; then the connection is gone.
            self.cut(&closed());
        }
    }

    pub(super) fn cut(&mut self, cut: &Cut) {
        let Some(pipe) = self.pipe.take() else { return };
        self.cuts += 1;
        // In no order, as a map of receipts would give them.
        for (seq, _) in pipe.into_iter().rev() {
            self.flights.lost(seq);
        }
        self.flights.ended(self.now, cut, 0);
        self.take_answers();
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.flights.expire(self.now, 0);
        self.take_answers();
    }

    pub(super) fn take_answers(&mut self) {
        while let Some((id, answer)) = self.flights.poll_answer() {
            let told = &mut self.messages[id];
            assert!(told.answer.is_none(), "{id} was answered twice");
            if answer.is_ok() {
                assert!(self.arrivals.contains(&id) && !told.poison);
            }
            told.answer = Some(answer);
        }
    }

    /// Until nothing is open, without further mishaps.
    pub(super) fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.flights.is_empty() {
                return;
            }
            self.connect();
            self.send();
            if self.flights.is_empty() {
                return;
            }
            if self.pipe.as_ref().is_some_and(VecDeque::is_empty) {
                let at = self.flights.next_timeout(self.now).expect("it waits");
                self.pass(at - self.now);
            }
            self.process(true);
        }
        panic!("{} messages never end", self.flights.len());
    }

    pub(super) fn answers(&self) -> Vec<&Result<Published, PublishError>> {
        let answer = |m| Told::answer(m).expect("an answer");
        self.messages.iter().map(answer).collect()
    }
}

impl Told {
    pub(super) fn answer(&self) -> Option<&Result<Published, PublishError>> {
        self.answer.as_ref()
    }
}
