//! goim's comet as a target: published to by its gRPC, several bodies in one container as goim's job makes them.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use bytes::Bytes;
use oort_api::codec::packet::{Carrier, Packet, SERVER_VERSION, raw_container};
use oort_api::op;
use oort_api::pb::goim::comet::comet_client::CometClient;
use oort_api::pb::goim::comet::{BroadcastRoomReq, PushMsgReq};
use oort_api::pb::goim::protocol::Proto;
use tokio::runtime::Handle;
use tonic::transport::Channel;

use super::{Process, Publisher, Running, Target, Whom};
use crate::dialect::{PUSH, Room, Who};

pub(super) async fn attach(running: &Running) -> anyhow::Result<Target> {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", running.publish))?;
    let channel =
        endpoint.connect().await.with_context(|| format!("no comet of goim at {}", running.publish))?;
    Ok(Target {
        clients: running.clients,
        tls: None,
        publisher: Box::new(GoimPublisher::new(channel)),
        processes: vec![Process { name: "comet".into(), pid: running.pid }],
        _children: Vec::new(),
    })
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    error: Option<String>,
}

struct GoimPublisher {
    client: CometClient<Channel>,
    /// Where the calls run: the rig publishes from outside its runtime.
    runtime: Handle,
    state: Arc<Mutex<State>>,
}

impl GoimPublisher {
    /// Must be called in the runtime in which the calls shall run.
    fn new(channel: Channel) -> Self {
        Self { client: CometClient::new(channel), runtime: Handle::current(), state: Arc::default() }
    }
}

/// What goim's job sends: packets in a container.
fn frame(bodies: &[Bytes]) -> anyhow::Result<Proto> {
    let packets: Vec<_> =
        bodies.iter().map(|body| Packet { ver: SERVER_VERSION, op: PUSH, seq: 0, body }).collect();
    let mut body = Vec::new();
    raw_container(&packets, Carrier::Tcp, &mut body)?;
    Ok(Proto { ver: 1, op: op::RAW, body: body.into(), ..Proto::default() })
}

impl Publisher for GoimPublisher {
    fn publish(&mut self, whom: Whom, bodies: &[Bytes]) -> anyhow::Result<()> {
        let (mut client, state) = (self.client.clone(), Arc::clone(&self.state));
        let proto = Some(frame(bodies)?);
        state.lock().unwrap_or_else(PoisonError::into_inner).under_way += 1;
        self.runtime.spawn(async move {
            let answer = match whom {
                Whom::Room(room) => {
                    let request = BroadcastRoomReq { room_id: room.goim_name(), proto };
                    client.broadcast_room(request).await.map(|_| ())
                }
                Whom::Client(number) => {
                    let keys = vec![Who { number, room: Room::Main }.key()];
                    client.push_msg(PushMsgReq { keys, proto, proto_op: PUSH }).await.map(|_| ())
                }
            };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.under_way -= 1;
            if let Err(status) = answer {
                state.error = Some(status.to_string());
            }
        });
        Ok(())
    }

    fn under_way(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).under_way
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        if let Some(error) = &self.state.lock().unwrap_or_else(PoisonError::into_inner).error {
            bail!("goim refused a publication: {error}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;
    use tonic::transport::Endpoint;

    use super::*;

    #[test]
    fn it_is_published_from_outside_the_runtime() -> anyhow::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // Nobody answers at port 1: the call fails, which is told at the next turn.
        let channel = runtime.block_on(async { Endpoint::from_static("http://127.0.0.1:1").connect_lazy() });
        let mut publisher = {
            let _inside = runtime.enter();
            GoimPublisher::new(channel)
        };
        publisher.publish(Whom::Client(7), &[Bytes::from_static(b"body")])?;
        assert_eq!(publisher.under_way(), 1);
        runtime.block_on(async {
            while publisher.under_way() > 0 {
                tokio::task::yield_now().await;
            }
        });
        assert!(publisher.turn().is_err());
        Ok(())
    }
}
