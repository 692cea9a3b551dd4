//! Who takes part in a run of pushes: users, their sockets, and the servers that push to them.

use std::sync::Arc;

use anyhow::Context;

use crate::system::{Account, System};

use super::cast::{accounts, resolve};
use super::connect;
use super::driver::{Line, Role};
use super::push_sender::{Orders, PushSender};
use super::receiver::Receiver;
use super::wire::Wire;

/// The users, and what is common to those who push to them.
#[derive(Debug)]
pub(crate) struct Audience {
    users: Vec<Account>,
    orders: Arc<Orders>,
}

impl Audience {
    /// Makes so many users, to be pushed to with `token`, at most `batch` pushes in a request.
    pub(crate) async fn make(
        system: &System,
        users: usize,
        token: String,
        batch: usize,
        body_bytes: usize,
    ) -> anyhow::Result<Self> {
        let users = accounts(system, users).await?;
        let ids = users.iter().map(|user| user.id.clone()).collect();
        let orders = Arc::new(Orders { users: ids, token, batch, body_bytes });
        Ok(Self { users, orders })
    }

    /// Opens all connections: a socket for each user first, so that they miss nothing, then `senders`.
    pub(crate) fn connect(&self, system: &System, senders: usize) -> anyhow::Result<Vec<Line>> {
        let comets = resolve(&system.comets)?;
        let mut lines = Vec::new();
        for (number, user) in self.users.iter().enumerate() {
            let (wire, _) = connect::open(comets[number % comets.len()], &user.token)?;
            lines.push(Line { wire, role: Role::Receive(Receiver::new(number)) });
        }
        let apis: Vec<_> = system.apis.iter().map(|api| api.address.clone()).collect();
        let apis = resolve(&apis)?;
        for number in 0..senders {
            let address = apis[number % apis.len()];
            let wire = Wire::connect(address).with_context(|| format!("no connection to {address}"))?;
            let sender = PushSender::new(address, Arc::clone(&self.orders), number);
            lines.push(Line { wire, role: Role::Push(Box::new(sender)) });
        }
        Ok(lines)
    }
}
