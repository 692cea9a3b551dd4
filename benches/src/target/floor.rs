//! The floor server as a target.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use bytes::Bytes;

use super::{Child, Loops, Process, Publisher, Spec, Target, Whom};
use crate::dialect::Dialect;
use crate::floor::{Addresses, Order, REPLY_BYTES, Reply};

pub(super) fn start(spec: &Spec) -> anyhow::Result<Target> {
    let dialect = serde_json::to_value(spec.dialect)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("floor-server").args(["--dialect", dialect.as_str().unwrap_or_default()]);
    command.args(["--address", &spec.address.to_string()]).stdout(Stdio::piped());
    let mut child = Child::start(command, &spec.server_cores)?;
    let line = child.first_line()?;
    let addresses: Addresses = serde_json::from_str(&line).context("the floor server does not start")?;
    let control = TcpStream::connect(addresses.control)?;
    control.set_nodelay(true)?;
    control.set_nonblocking(true)?;
    let publisher = FloorPublisher {
        control,
        dialect: spec.dialect,
        unsent: Vec::new(),
        replies: Vec::new(),
        under_way: 0,
        loops: Loops::default(),
        next_seq: 1,
    };
    Ok(Target {
        clients: addresses.clients,
        tls: None,
        publisher: Box::new(publisher),
        processes: vec![Process { name: "floor".into(), pid: child.pid() }],
        _children: vec![child],
    })
}

struct FloorPublisher {
    control: TcpStream,
    dialect: Dialect,
    unsent: Vec<u8>,
    replies: Vec<u8>,
    under_way: usize,
    loops: Loops,
    next_seq: u64,
}

impl Publisher for FloorPublisher {
    fn publish(&mut self, whom: Whom, bodies: &[Bytes]) -> anyhow::Result<()> {
        let bytes = self.dialect.shown(bodies, self.next_seq);
        let to = match whom {
            Whom::Room(_) => {
                self.next_seq += bodies.len() as u64;
                None
            }
            Whom::Client(number) => Some(number),
        };
        self.unsent.extend(Order { to, bytes: &bytes }.encode());
        self.under_way += 1;
        self.turn()
    }

    fn under_way(&self) -> usize {
        self.under_way
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        while !self.unsent.is_empty() {
            match self.control.write(&self.unsent) {
                Ok(bytes) => _ = self.unsent.drain(..bytes),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("the floor server takes no orders"),
            }
        }
        if self.under_way == 0 {
            return Ok(());
        }
        let mut scratch = [0; 64 * REPLY_BYTES];
        match self.control.read(&mut scratch) {
            Ok(0) => anyhow::bail!("the floor server has ended"),
            Ok(bytes) => self.replies.extend_from_slice(&scratch[..bytes]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("the floor server does not answer"),
        }
        let mut done = 0;
        while let Some(reply) = self.replies[done..].first_chunk().map(Reply::decode) {
            done += REPLY_BYTES;
            ensure!(reply.failed == 0, "{} sockets did not take a frame of the floor server", reply.failed);
            self.under_way -= 1;
            self.loops.sends += u64::from(reply.sent);
            self.loops.cpu_ns += reply.cpu_ns;
        }
        self.replies.drain(..done);
        Ok(())
    }

    fn next_seq(&self) -> Option<u64> {
        (self.dialect.is_json()).then_some(self.next_seq)
    }

    fn loops(&self) -> Option<Loops> {
        Some(self.loops)
    }
}
