//! Sessions of goim's clients, over WebSocket and TCP alike.

use std::collections::HashMap;
use std::rc::Rc;

use oort_api::codec::goim::{AuthBody, parse_ops};
use oort_api::codec::packet::{Packet, PacketError, packets};
use oort_api::pb::oort::v1::receive_request::Command;
use oort_api::pb::oort::v1::{GoimUpstream, ReceiveRequest, receive_reply};
use oort_api::{RoomKey, op};

use super::{Credential, authenticate, enter, greet};
use crate::connection::close::CloseReason;
use crate::connection::drive::Job;
use crate::connection::{Connection, Stage};
use crate::dialect::packet::reply;
use crate::shard::Shard;

/// Most operations one connection may have subscribed to.
const ACCEPTS_MAX: usize = 1_024;

/// All packets of one WebSocket message. What takes time is returned, with the packets behind it.
pub(crate) fn message(shard: &Rc<Shard>, connection: &Rc<Connection>, bytes: &[u8]) -> Option<Job> {
    let body_bytes_max = shard.node.config.packet_body_bytes_max;
    let mut at = 0;
    for (index, packet) in packets(bytes, body_bytes_max).enumerate() {
        // The message itself was counted as one frame.
        if index > 0 && !shard.admit(connection, 0) {
            return None;
        }
        match packet {
            Ok(packet) if quick(shard, connection, &packet) => at += 16 + packet.body.len(),
            Ok(_) => {
                let rest = bytes[at..].to_vec();
                let (shard, connection) = (Rc::clone(shard), Rc::clone(connection));
                return Some(Box::pin(async move { run(&shard, &connection, &rest).await }));
            }
            Err(error) => {
                refuse(shard, connection, &error);
                return None;
            }
        }
        if connection.is_closing() {
            return None;
        }
    }
    None
}

/// One packet of a byte stream; `bytes` is the whole of it.
pub(crate) fn packet(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    packet: &Packet<'_>,
    bytes: &[u8],
) -> Option<Job> {
    if !shard.admit(connection, bytes.len()) || quick(shard, connection, packet) {
        return None;
    }
    let (shard, connection, bytes) = (Rc::clone(shard), Rc::clone(connection), bytes.to_vec());
    Some(Box::pin(async move { run(&shard, &connection, &bytes).await }))
}

/// Ends a connection that does not keep to the format.
pub(crate) fn refuse(shard: &Rc<Shard>, connection: &Connection, error: &PacketError) {
    shard.node.metrics.violation(match error {
        PacketError::Length { .. } => "packet_length",
        PacketError::HeaderLength { .. } => "packet_header_length",
        PacketError::TooLarge { .. } => "packet_too_large",
        PacketError::Truncated { .. } => "packet_truncated",
    });
    connection.close(&shard.node, CloseReason::BadPacket);
}

async fn run(shard: &Rc<Shard>, connection: &Rc<Connection>, bytes: &[u8]) {
    for packet in packets(bytes, shard.node.config.packet_body_bytes_max) {
        match packet {
            Ok(packet) if quick(shard, connection, &packet) => {}
            Ok(packet) => slow(shard, connection, &packet).await,
            Err(error) => return refuse(shard, connection, &error),
        }
        if connection.is_closing() {
            return;
        }
    }
}

/// Does what needs nobody else. False: it takes time.
fn quick(shard: &Rc<Shard>, connection: &Connection, packet: &Packet<'_>) -> bool {
    if connection.stage.get() != Stage::Live {
        // As in goim, what comes before op 7 is skipped; the handshake's time runs on.
        return packet.op != op::AUTH;
    }
    let (operation, body) = match packet.op {
        op::HEARTBEAT => {
            connection.heard.set(shard.now.get());
            let online = shard.node.online().to_be_bytes();
            connection.send_own(
                &shard.node,
                &reply(packet, op::HEARTBEAT_REPLY, &online, connection.dialect.carrier()),
            );
            return true;
        }
        op::AUTH => return true,
        op::SUBSCRIBE => (op::SUBSCRIBE_REPLY, change_accepts(connection, packet.body, true)),
        op::UNSUBSCRIBE => (op::UNSUBSCRIBE_REPLY, change_accepts(connection, packet.body, false)),
        _ => return false,
    };
    // A list that cannot be read changes nothing; the reply is then empty.
    let body = if body { packet.body } else { &[] };
    connection.send_own(&shard.node, &reply(packet, operation, body, connection.dialect.carrier()));
    true
}

fn change_accepts(connection: &Connection, body: &[u8], is_added: bool) -> bool {
    let Ok(ops) = parse_ops(body) else { return false };
    let mut goim = connection.goim.borrow_mut();
    if goim.is_none() && !is_added {
        return true;
    }
    let accepts = &mut goim.get_or_insert_default().accepts;
    if is_added {
        let mut wanted = accepts.take().unwrap_or_default().into_vec();
        ops.into_iter().for_each(|op| {
            if !wanted.contains(&op) && wanted.len() < ACCEPTS_MAX {
                wanted.push(op);
            }
        });
        *accepts = Some(wanted.into());
    } else if let Some(known) = accepts.take() {
        *accepts = Some(known.into_iter().filter(|op| !ops.contains(op)).collect());
    }
    true
}

async fn slow(shard: &Rc<Shard>, connection: &Rc<Connection>, packet: &Packet<'_>) {
    match (connection.stage.get(), packet.op) {
        (Stage::Opening, op::AUTH) => {
            if let Err(reason) = open(shard, connection, packet).await {
                connection.close(&shard.node, reason);
            }
        }
        (Stage::Live, op::CHANGE_ROOM) => {
            if let Err(reason) = change_room(shard, connection, packet).await {
                connection.close(&shard.node, reason);
            }
        }
        (Stage::Live, _) => upstream(shard, connection, packet).await,
        _ => {}
    }
}

async fn open(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    packet: &Packet<'_>,
) -> Result<(), CloseReason> {
    let body = AuthBody::parse(packet.body).map_err(|_| CloseReason::BadSession)?;
    let place = shard.node.admission.place().ok_or(CloseReason::Busy)?;
    let _turn = place.enter().await.ok_or(CloseReason::Busy)?;
    if connection.has_gone() {
        return Ok(());
    }
    let platform: String = body.platform.chars().filter(|c| *c != '|' && !c.is_control()).take(8).collect();
    let platform = if platform.is_empty() { connection.dialect.platform().to_owned() } else { platform };
    let credential = Credential::GoimAuth(bytes::Bytes::copy_from_slice(packet.body));
    let Some(answer) = authenticate(shard, connection, platform, credential).await? else { return Ok(()) };
    let mut rooms: Vec<RoomKey> = answer.rooms.iter().filter_map(|room| RoomKey::new(room).ok()).collect();
    if !answer.goim_room.is_empty() {
        rooms.push(RoomKey::new(&answer.goim_room).map_err(|_| CloseReason::BadSession)?);
    }
    enter(shard, connection, &rooms).await?;
    if !answer.goim_room.is_empty() {
        keep_room(shard, connection, rooms.last());
    }
    let ready = reply(packet, op::AUTH_REPLY, &[], connection.dialect.carrier());
    greet(shard, connection, &ready, &HashMap::new());
    Ok(())
}

/// Leaves the room it asked for before and enters another, or none.
async fn change_room(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    packet: &Packet<'_>,
) -> Result<(), CloseReason> {
    let wanted = std::str::from_utf8(packet.body).ok().and_then(|text| RoomKey::new(text).ok());
    // goim's rooms only: a conversation has members, who are not chosen by themselves.
    let wanted = wanted.filter(|room| room.conversation().is_none() && !room.is_watch());
    let carrier = connection.dialect.carrier();
    let before = connection.goim.borrow().as_ref().and_then(|goim| goim.room.clone());
    if wanted != before {
        if let Some(room) = before {
            shard.leave(connection, &room);
        }
        if let Some(room) = &wanted {
            enter(shard, connection, std::slice::from_ref(room)).await?;
        }
        keep_room(shard, connection, wanted.as_ref());
    }
    // A room that cannot be is answered with an empty body: the connection is in none.
    let body = if wanted.is_some() { packet.body } else { &[] };
    connection.send_own(&shard.node, &reply(packet, op::CHANGE_ROOM_REPLY, body, carrier));
    Ok(())
}

/// Remembers the room it asked for and is in, by the key that all members share.
fn keep_room(shard: &Shard, connection: &Connection, room: Option<&RoomKey>) {
    let room = room.and_then(|room| shard.rooms.borrow().own_key(room));
    let mut goim = connection.goim.borrow_mut();
    if goim.is_some() || room.is_some() {
        goim.get_or_insert_default().room = room;
    }
}

/// Anything else goes to logic, and is answered with its own op.
async fn upstream(shard: &Rc<Shard>, connection: &Connection, packet: &Packet<'_>) {
    let command = GoimUpstream { op: packet.op, body: bytes::Bytes::copy_from_slice(packet.body) };
    let request = ReceiveRequest {
        user_id: connection.user.get(),
        key: connection.key(&shard.node),
        traceparent: crate::trace::begin(),
        command: Some(Command::Goim(command)),
    };
    let answer = match shard.node.logic.receive(request).await {
        Ok(answer) => answer,
        Err(refusal) => return shard.node.metrics.refuse_frame(refusal.code.as_str()),
    };
    if packet.op == op::RAW {
        // goim does not answer a container.
        return;
    }
    let body = match answer.result {
        Some(receive_reply::Result::Goim(result)) => result.body,
        _ => bytes::Bytes::new(),
    };
    connection.send_own(&shard.node, &reply(packet, packet.op, &body, connection.dialect.carrier()));
}
