//! Connections that come back: with growing, jittered waits between tries.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};
use tokio_postgres::Row;

use super::{
    fault::Fault,
    session::{Connector, Params, Purpose, Session},
    sql::Sql,
};
use crate::StoreError;

/// The first wait between two tries to connect; it doubles up to the longest.
const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_LONGEST: Duration = Duration::from_secs(2);
/// How often a read is tried.
const READ_TRIES: u32 = 4;

/// Waits between tries.
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(WAIT_FIRST)
    }

    /// The next wait: between half and all of a span that doubles.
    pub(super) fn next(&mut self) -> Duration {
        let wait = jittered(self.0);
        self.0 = (self.0 * 2).min(WAIT_LONGEST);
        wait
    }
}

/// Between half and all of this, so that machines do not come in step.
pub(super) fn jittered(span: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness the wait is whole, which is as good.
    let part = getrandom::fill(&mut byte).map_or(255, |()| byte[0]);
    span / 2 + (span / 2) * u32::from(part) / 255
}

/// Whether the database can be reached, for health.
#[derive(Default)]
pub(super) struct Reach(Mutex<Option<String>>);

impl Reach {
    pub(super) fn why_not(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What connecting came to.
    pub(super) fn note(&self, result: &Result<Session, StoreError>) {
        let why = result.as_ref().err().map(ToString::to_string);
        let mut known = self.lock();
        match (&*known, &why) {
            (None, Some(why)) => tracing::warn!(why, "the database cannot be reached"),
            (Some(_), None) => tracing::info!("the database is back"),
            _ => {}
        }
        *known = why;
    }
}

/// Connects until the deadline.
async fn connect(
    connector: &Connector,
    reach: &Reach,
    purpose: Purpose,
    deadline: Instant,
) -> Result<Session, StoreError> {
    let mut backoff = Backoff::new();
    loop {
        let session = connector.connect(purpose, None).await;
        reach.note(&session);
        let wait = backoff.next();
        if session.is_ok() || Instant::now() + wait >= deadline {
            return session;
        }
        sleep(wait).await;
    }
}

/// The one connection of a task.
pub(super) struct Link {
    connector: Arc<Connector>,
    reach: Arc<Reach>,
    purpose: Purpose,
    session: Option<Session>,
}

impl Link {
    pub(super) fn new(connector: Arc<Connector>, reach: Arc<Reach>, purpose: Purpose) -> Self {
        Self {
            connector,
            reach,
            purpose,
            session: None,
        }
    }

    /// The connection, made anew when it is gone.
    pub(super) async fn session(&mut self, deadline: Instant) -> Result<&Session, StoreError> {
        let session = match self.session.take() {
            Some(session) if !session.is_closed() => session,
            _ => connect(&self.connector, &self.reach, self.purpose, deadline).await?,
        };
        Ok(self.session.insert(session))
    }

    /// Gives the connection up.
    pub(super) fn lose(&mut self) {
        self.session = None;
    }
}

/// A few connections for whoever reads and claims.
pub(super) struct Pool {
    connector: Arc<Connector>,
    reach: Arc<Reach>,
    free: Mutex<Vec<Session>>,
    places: Arc<Semaphore>,
    busy_after: Duration,
    patience: Duration,
}

/// A connection on loan from the pool. Dropped without [`Pool::give_back`] it ends, with whatever it was in the midst of.
pub(super) struct Loan {
    pub(super) session: Session,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(
        connector: Arc<Connector>,
        reach: Arc<Reach>,
        size: usize,
        busy_after: Duration,
        patience: Duration,
    ) -> Self {
        Self {
            connector,
            reach,
            free: Mutex::default(),
            places: Arc::new(Semaphore::new(size)),
            busy_after,
            patience,
        }
    }

    /// From now on nothing is lent.
    pub(super) fn close(&self) {
        self.places.close();
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn take(&self) -> Result<Loan, StoreError> {
        let place = timeout(self.busy_after, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_| StoreError::Busy)?
            .map_err(|_| StoreError::Closed)?;
        let free = {
            let mut free = self.lock();
            free.retain(|session| !session.is_closed());
            free.pop()
        };
        let session = if let Some(session) = free {
            session
        } else {
            let deadline = Instant::now() + self.patience;
            connect(&self.connector, &self.reach, Purpose::Records, deadline).await?
        };
        Ok(Loan {
            session,
            _place: place,
        })
    }

    pub(super) fn give_back(&self, loan: Loan) {
        if !loan.session.is_closed() && !self.places.is_closed() {
            self.lock().push(loan.session);
        }
    }

    /// The rows of a statement that may be sent again.
    pub(super) async fn query(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let deadline = Instant::now() + self.patience;
        let mut tries = 0;
        loop {
            let loan = self.take().await?;
            let result = loan.session.query(sql, params).await;
            tries += 1;
            match result {
                Ok(rows) => {
                    self.give_back(loan);
                    return Ok(rows);
                }
                Err(Fault::Refused { code, message }) => {
                    self.give_back(loan);
                    return Err(Fault::Refused { code, message }.into());
                }
                Err(fault) if tries == READ_TRIES || Instant::now() >= deadline => {
                    return Err(fault.into());
                }
                Err(fault) => tracing::debug!(?fault, ?sql, "tried again"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_stay_within_their_spans() {
        let mut backoff = Backoff::new();
        let mut span = WAIT_FIRST;
        for _ in 0..12 {
            let wait = backoff.next();
            assert!(wait >= span / 2 && wait <= span, "{wait:?} of {span:?}");
            span = (span * 2).min(WAIT_LONGEST);
        }
        assert_eq!(span, WAIT_LONGEST);
    }
}
