//! Sessions of JSON clients.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use oort_api::codec::envelope::{self, ClientFrame, Flavour, Listing, ServerFrame, Session};
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::receive_reply::Result as Answer;
use oort_api::pb::oort::v1::receive_request::Command;
use oort_api::pb::oort::v1::{
    ConversationKind, CreateRoomCommand, HelloReply, HelloRequest, HistoryCommand, Place, ReceiveRequest,
    User,
};
use oort_api::{ConversationId, RoomKey};

use super::sends::Sends;
use super::{Credential, authenticate, cursors, enter, greet};
use crate::admission::QueuePlace;
use crate::connection::Connection;
use crate::connection::close::CloseReason;
use crate::connection::drive::Job;
use crate::device::Device;
use crate::dialect::json;
use crate::shard::Shard;

/// Times the heads are read before the client is asked to come again.
const GREETINGS_MAX: usize = 4;

/// What a client asked for with the upgrade.
pub(crate) struct Asked {
    /// Without one it is refused, after the upgrade, as with one that is no good.
    pub(crate) credential: Option<Credential>,
    /// The cursor of an earlier hello, for what changed since.
    pub(crate) since: Option<String>,
    /// What its client is on.
    pub(crate) device: Device,
    /// Among those that are let in; `None` = it is to come again.
    pub(crate) place: Option<QueuePlace>,
}

/// Opens a session, when its turn comes.
pub(crate) fn open(shard: &Rc<Shard>, connection: &Rc<Connection>, asked: Asked) -> Job {
    let (shard, connection) = (Rc::clone(shard), Rc::clone(connection));
    Box::pin(async move {
        let Asked { credential, since, device, place } = asked;
        connection.device.set(device);
        let Some(credential) = credential else {
            return connection.close(&shard.node, CloseReason::BadSession);
        };
        let turn = match place {
            Some(place) => place.enter().await,
            None => None,
        };
        let Some(_turn) = turn else { return turn_away(&shard, &connection, CloseReason::Busy) };
        if connection.has_gone() {
            return;
        }
        match open_with(&shard, &connection, credential, since.unwrap_or_default()).await {
            Err(reason @ CloseReason::Unavailable) => turn_away(&shard, &connection, reason),
            Err(reason) => connection.close(&shard.node, reason),
            Ok(()) => {}
        }
    })
}

/// Ends a connection that is to come again, and tells those that understand it when.
pub(crate) fn turn_away(shard: &Shard, connection: &Connection, reason: CloseReason) {
    if connection.is_closing() {
        return;
    }
    let after_ms = shard.node.admission.retry_after_ms();
    connection.send_json(&shard.node, &ServerFrame::Reconnect { after_ms, reason: reason.label() });
    connection.close(&shard.node, reason);
}

async fn open_with(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    credential: Credential,
    since: String,
) -> Result<(), CloseReason> {
    let platform = connection.platform();
    let Some(reply) = authenticate(shard, connection, platform, credential).await? else { return Ok(()) };
    let Some(user) = reply.user.filter(|user| user.id > 0) else { return Err(CloseReason::BadSession) };
    let rooms: Vec<RoomKey> = reply.rooms.iter().filter_map(|room| RoomKey::new(room).ok()).collect();
    #[cfg(feature = "simulation")]
    if oort_api::planted::is(oort_api::planted::Bug::HeadsBeforeRooms) {
        return planted_open(shard, connection, &user, (&rooms, since)).await;
    }
    enter(shard, connection, &rooms).await?;
    let request = HelloRequest { user_id: user.id, latest: shard.node.config.hello_messages, since };
    let greeting = read_greeting(shard, connection, &request, &rooms).await?;
    say_hello(shard, connection, &user, &greeting);
    Ok(())
}

/// A message that passes between the two calls is in neither.
#[cfg(feature = "simulation")]
async fn planted_open(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    user: &User,
    (rooms, since): (&[RoomKey], String),
) -> Result<(), CloseReason> {
    let request = HelloRequest { user_id: user.id, latest: shard.node.config.hello_messages, since };
    let reply = shard.node.logic.hello(request).await;
    let mut greeting = reply.map_err(|refusal| CloseReason::of_refusal(&refusal))?;
    greeting.places = places(&greeting);
    enter(shard, connection, rooms).await?;
    say_hello(shard, connection, user, &greeting);
    Ok(())
}

/// Reads the heads until they and the rooms this session is in agree: a room that appears was joined since it
/// authenticated, and is entered before the heads are read again; one it was `granted` that does not was left since.
async fn read_greeting(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    request: &HelloRequest,
    granted: &[RoomKey],
) -> Result<HelloReply, CloseReason> {
    for _ in 0..GREETINGS_MAX {
        let reply = shard.node.logic.hello(request.clone()).await;
        let mut reply = reply.map_err(|refusal| CloseReason::of_refusal(&refusal))?;
        if !reply.partial {
            reply.places = places(&reply);
        }
        let shown: HashSet<RoomKey> = reply
            .places
            .iter()
            .filter(|place| !place.direct)
            .filter_map(|place| ConversationId::new(place.conversation).map(RoomKey::from))
            .collect();
        let is_member = |room: &&RoomKey| shard.is_member(connection, room);
        let new: Vec<RoomKey> = shown.iter().filter(|room| !is_member(room)).cloned().collect();
        let left: Vec<&RoomKey> =
            granted.iter().filter(|room| !shown.contains(*room)).filter(is_member).collect();
        if (new.is_empty() && left.is_empty()) || connection.is_closing() {
            return Ok(reply);
        }
        left.into_iter().for_each(|room| shard.leave(connection, room));
        enter(shard, connection, &new).await?;
    }
    Err(CloseReason::Unavailable)
}

/// The places of a greeting that shows all conversations.
fn places(reply: &HelloReply) -> Vec<Place> {
    let place = |room: &oort_api::pb::oort::v1::Conversation| Place {
        conversation: room.id,
        head: room.head,
        direct: room.kind() == ConversationKind::Direct,
    };
    reply.conversations.iter().map(place).collect()
}

fn say_hello(shard: &Rc<Shard>, connection: &Connection, user: &User, greeting: &HelloReply) {
    let config = &shard.node.config;
    let key = connection.key(&shard.node);
    let session = Session { key: &key, heartbeat_ms: config.silence_limit_ms, limits: &config.json };
    let ids: Option<Vec<i64>> = (greeting.partial && greeting.set_changed)
        .then(|| greeting.places.iter().map(|place| place.conversation).collect());
    let listing = Listing {
        cursor: &greeting.cursor,
        is_partial: greeting.partial,
        ids: ids.as_deref(),
        event_seq: greeting.event_seq,
    };
    let hello = ServerFrame::Hello { me: user, rooms: &greeting.conversations, session, listing };
    let heads: HashMap<i64, i64> =
        greeting.places.iter().map(|place| (place.conversation, place.head)).collect();
    greet(shard, connection, &json::text(&hello, connection.dialect.flavour()), &heads);
}

/// Reads one text frame. A send is put to `sends`; what else takes time, or must wait for them, is returned.
pub(crate) fn command(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    text: &str,
    sends: &mut Sends,
) -> Option<Job> {
    match envelope::parse(text, connection.dialect.flavour(), &shard.node.config.json) {
        Ok(ClientFrame::Send { command, request_id }) => {
            sends.push(command, request_id);
            None
        }
        Ok(ClientFrame::History { command, request_id }) => {
            let (to, client) = (Rc::clone(shard), Rc::clone(connection));
            let page = async move { history(&to, &client, command, request_id.as_deref()).await };
            Some(sends.begin(shard, connection, Some(Box::pin(page))))
        }
        Ok(ClientFrame::CreateRoom { command, request_id }) => {
            let (to, client) = (Rc::clone(shard), Rc::clone(connection));
            let room = async move { create_room(&to, &client, command, request_id.as_deref()).await };
            Some(sends.begin(shard, connection, Some(Box::pin(room))))
        }
        Ok(ClientFrame::Cursor { command, request_id }) => {
            cursors::advance(shard, connection, command, request_id);
            None
        }
        Ok(ClientFrame::Ping) => sends.before(shard, connection, |shard, connection| {
            connection.send_json(&shard.node, &ServerFrame::Pong);
        }),
        Ok(ClientFrame::Watch { watch, request_id }) => {
            let (to, client) = (Rc::clone(shard), Rc::clone(connection));
            let watching =
                async move { super::watch::watch(&to, &client, &watch, request_id.as_deref()).await };
            Some(sends.begin(shard, connection, Some(Box::pin(watching))))
        }
        Ok(ClientFrame::Typing(typing)) => {
            let telling = super::typing::begin(shard, connection, typing)?;
            Some(sends.begin(shard, connection, Some(telling)))
        }
        Ok(ClientFrame::Away(is_away)) => {
            let telling = super::away::begin(shard, connection, is_away)?;
            Some(sends.begin(shard, connection, Some(telling)))
        }
        Err(error) => sends.before(shard, connection, move |shard, connection| {
            refuse(shard, connection, &error.refusal, error.request_id.as_deref());
        }),
    }
}

pub(super) fn refuse(
    shard: &Rc<Shard>,
    connection: &Connection,
    refusal: &Refusal,
    request_id: Option<&str>,
) {
    shard.node.metrics.refuse_frame(refusal.code.as_str());
    connection.send_json(&shard.node, &ServerFrame::Error { refusal, request_id });
}

pub(super) async fn receive(
    shard: &Rc<Shard>,
    connection: &Connection,
    command: Command,
) -> Result<Option<Answer>, Refusal> {
    let request = ReceiveRequest {
        user_id: connection.user.get(),
        key: connection.key(&shard.node),
        traceparent: crate::trace::begin(),
        command: Some(command),
    };
    shard.node.logic.receive(request).await.map(|reply| reply.result)
}

pub(super) fn unexpected() -> Refusal {
    Refusal::new(Code::Internal, "internal error")
}

async fn history(
    shard: &Rc<Shard>,
    connection: &Connection,
    command: HistoryCommand,
    request_id: Option<&str>,
) {
    let conversation = command.conversation;
    match receive(shard, connection, Command::History(command)).await {
        Ok(Some(Answer::History(result))) => {
            let page = ServerFrame::History { conversation, result: &result, request_id };
            connection.send_json(&shard.node, &page);
        }
        Ok(_) => refuse(shard, connection, &unexpected(), request_id),
        Err(refusal) => refuse(shard, connection, &refusal, request_id),
    }
}

async fn create_room(
    shard: &Rc<Shard>,
    connection: &Connection,
    command: CreateRoomCommand,
    request_id: Option<&str>,
) {
    let name = command.name.clone();
    let conversation = match receive(shard, connection, Command::CreateRoom(command)).await {
        Ok(Some(Answer::CreateRoom(result))) => result.conversation,
        Ok(_) => return refuse(shard, connection, &unexpected(), request_id),
        Err(refusal) if refusal.code == Code::RoomNameTaken => 0,
        Err(refusal) => return refuse(shard, connection, &refusal, request_id),
    };
    if conversation == 0 {
        shard.node.metrics.refuse_frame(Code::RoomNameTaken.as_str());
    }
    let creator_id = connection.user.get();
    let frame = ServerFrame::RoomCreated { conversation, name: &name, creator_id, request_id };
    connection.send_json(&shard.node, &frame);
}

/// The value of the sub-protocol header to answer with, and the flavour.
pub(crate) fn negotiate(headers: &http::HeaderMap) -> (Option<&'static str>, Flavour) {
    let chosen = crate::framing::handshake::choose_protocol(headers, &[envelope::SUBPROTOCOL]);
    (chosen, if chosen.is_some() { Flavour::V1 } else { Flavour::Classic })
}
