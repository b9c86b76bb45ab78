//! Publishers and consumers held together: a consumer that falls behind holds up the publishers,
//! but for a bounded time.

use super::ConnId;
use std::collections::HashMap;
use std::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Connections with half of what they may have before them, and how long they are waited for.
    pressed: HashMap<ConnId, Instant>,
    /// Publishers that wait.
    held: Vec<ConnId>,
    woken: Vec<ConnId>,
}

impl Flow {
    pub(super) fn wake(&mut self, conn: ConnId) {
        self.woken.push(conn);
    }

    pub(super) fn take_woken(&mut self) -> Vec<ConnId> {
        std::mem::take(&mut self.woken)
    }

    /// A connection has much before it. It is waited for until then, once.
    pub(super) fn press(&mut self, conn: ConnId, until: Instant) {
        self.pressed.insert(conn, until);
    }

    /// It caught up, or is gone.
    pub(super) fn relieve(&mut self, conn: ConnId, now: Instant) {
        self.pressed.remove(&conn);
        self.pressed.retain(|_, until| *until > now);
        if self.pressed.is_empty() {
            self.woken.append(&mut self.held);
        }
    }

    pub(super) fn forget(&mut self, conn: ConnId, now: Instant) {
        self.held.retain(|held| *held != conn);
        self.relieve(conn, now);
    }

    pub(super) fn hold(&mut self, conn: ConnId, now: Instant) -> Option<Instant> {
        self.pressed.retain(|_, until| *until > now);
        let until = self.pressed.values().copied().max()?;
        if !self.held.contains(&conn) {
            self.held.push(conn);
        }
        Some(until)
    }
}
