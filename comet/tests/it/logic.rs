//! A logic that does as the test says, and remembers what it was told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use oort_api::codec::goim::AuthBody;
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::connect_request::Credential;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::pb::oort::v1::{
    AnnounceNodeReply, AnnounceNodeRequest, AnnounceReply, AnnounceRequest, AwayCommand, AwayResult,
    ConnectReply, ConnectRequest, Conversation, ConversationKind, CreateRoomResult, CursorEvent,
    CursorResult, DisconnectReply, DisconnectRequest, GoimUpstreamResult, HelloReply, HelloRequest,
    HistoryResult, Message, Place, Presence, ReceiveReply, ReceiveRequest, RenewReply, RenewRequest,
    RoomsReply, RoomsRequest, SendBatchResult, SendCommand, SendOutcome, SendResult, SessionRef,
    TypingCommand, TypingResult, User, WatchResult, receive_reply, receive_request,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

/// What the scripted logic knows.
#[derive(Default)]
pub(crate) struct State {
    /// Rooms of every user.
    pub(crate) rooms: Vec<i64>,
    /// Rooms that `hello` shows but the authentication did not yet name.
    pub(crate) late_rooms: Vec<i64>,
    /// Rooms that the authentication names but `hello` no longer shows.
    pub(crate) left_rooms: Vec<i64>,
    /// Head of each conversation.
    pub(crate) heads: BTreeMap<i64, i64>,
    /// Room to version, as the directory would hold it.
    pub(crate) entered: HashMap<String, i64>,
    /// Key to session.
    pub(crate) sessions: HashMap<String, SessionRef>,
    pub(crate) disconnects: Vec<SessionRef>,
    pub(crate) announced: Vec<String>,
    pub(crate) renewals: Vec<RenewRequest>,
    pub(crate) announce_next: bool,
    pub(crate) superseded: bool,
    pub(crate) fail_enter: bool,
    pub(crate) fail_disconnect: bool,
    /// Answers to disconnects wait for a permit of it.
    pub(crate) held_disconnects: Option<Arc<Semaphore>>,
    pub(crate) calls: Vec<&'static str>,
    pub(crate) sends: Vec<(i64, i64, String, String)>,
    /// Calls of `receive` as they came in: what, and how many commands of clients it holds.
    pub(crate) received: Vec<(&'static str, usize)>,
    pub(crate) fail_receive: bool,
    /// Commands that were carried out, whether they are answered or not.
    pub(crate) carried_out: usize,
    pub(crate) upstream: Vec<(i32, Vec<u8>)>,
    /// Direct conversations that everybody is in.
    pub(crate) directs: Vec<i64>,
    /// Typing as it came in.
    pub(crate) typing: Vec<TypingCommand>,
    pub(crate) away: Vec<AwayCommand>,
    pub(crate) taken_names: Vec<String>,
    pub(crate) goim_heartbeat_ms: i64,
    pub(crate) lease_ms: i64,
    /// Life of every token shown, ms; 0 = it is not told.
    pub(crate) token_life_ms: i64,
    /// Other comets that are draining.
    pub(crate) others_draining: i32,
    /// Other comets that take clients.
    pub(crate) others_taking: i32,
}

impl State {
    fn store(&mut self, user_id: i64, command: SendCommand) -> SendResult {
        let id = command.conversation;
        let mut outcomes = Vec::new();
        for sent in command.messages {
            let client_msg_id = sent.client_msg_id.clone();
            if id == 404 {
                let error_code = Code::NotMember.as_str().to_owned();
                outcomes.push(SendOutcome { client_msg_id, error_code, ..SendOutcome::default() });
                continue;
            }
            let head = self.heads.entry(id).or_default();
            *head += 1;
            let (seq, created_at_ms) = (*head, 1_000 + *head);
            outcomes.push(SendOutcome { client_msg_id, seq, created_at_ms, ..SendOutcome::default() });
            self.sends.push((user_id, id, sent.client_msg_id, sent.content));
        }
        SendResult { outcomes }
    }
}

/// The cursor of every hello: nothing has changed since.
pub(crate) const SINCE: &str = "AQAAAYvP5WgqAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Logic as the test says.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) state: Arc<Mutex<State>>,
    /// Held while `hello` must wait.
    pub(crate) hello_gate: Arc<tokio::sync::Semaphore>,
    /// Held while announcements must wait.
    pub(crate) announce_gate: Arc<tokio::sync::Semaphore>,
    /// Held while commands must wait.
    pub(crate) receive_gate: Arc<tokio::sync::Semaphore>,
    /// Held while changes of cursors must wait.
    pub(crate) cursor_gate: Arc<tokio::sync::Semaphore>,
    /// Held while answers to commands, which have been carried out, must wait.
    pub(crate) answer_gate: Arc<tokio::sync::Semaphore>,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        let open = || Arc::new(tokio::sync::Semaphore::new(1_000_000));
        let state = State { rooms: vec![1], goim_heartbeat_ms: 60_000, lease_ms: 60, ..State::default() };
        Self {
            state: Arc::new(Mutex::new(state)),
            hello_gate: open(),
            announce_gate: open(),
            receive_gate: open(),
            cursor_gate: open(),
            answer_gate: open(),
        }
    }

    fn carry_out(&self, request: ReceiveRequest) -> Result<receive_reply::Result, Status> {
        let mut state = self.state.lock();
        if state.fail_receive {
            return Err(Refusal::new(Code::Overloaded, "not now").into());
        }
        let result = match request.command {
            Some(receive_request::Command::Send(command)) => {
                if command.conversation == 404 {
                    return Err(Refusal::new(Code::NotMember, "not a member").into());
                }
                receive_reply::Result::Send(state.store(request.user_id, command))
            }
            Some(receive_request::Command::Sends(batch)) => {
                let sends = batch.sends.into_iter();
                let results = sends.map(|command| state.store(request.user_id, command)).collect();
                receive_reply::Result::Sends(SendBatchResult { results })
            }
            Some(receive_request::Command::History(command)) => {
                let head = state.heads.get(&command.conversation).copied().unwrap_or(0);
                let messages = if command.after_set && command.before == 0 {
                    (command.after + 1..=head).map(|seq| message(command.conversation, seq)).collect()
                } else {
                    let from = if command.before == 0 { head + 1 } else { command.before };
                    (1..from)
                        .rev()
                        .take(usize::try_from(command.limit).unwrap())
                        .map(|seq| message(command.conversation, seq))
                        .collect()
                };
                receive_reply::Result::History(HistoryResult {
                    messages,
                    has_more: false,
                    head,
                    change_seq: 0,
                })
            }
            Some(receive_request::Command::CreateRoom(command)) => {
                if state.taken_names.contains(&command.name) {
                    return Err(Refusal::new(Code::RoomNameTaken, "the name is taken").into());
                }
                state.taken_names.push(command.name);
                receive_reply::Result::CreateRoom(CreateRoomResult { conversation: 77 })
            }
            Some(receive_request::Command::Cursor(command)) => {
                let head = state.heads.get(&command.conversation).copied().unwrap_or(0);
                receive_reply::Result::Cursor(CursorResult {
                    cursor: Some(CursorEvent {
                        conversation: command.conversation,
                        user_id: request.user_id,
                        delivered_seq: command.delivered_seq,
                        read_seq: command.read_seq,
                        own: true,
                        head,
                        unread: head - command.read_seq,
                    }),
                })
            }
            // Users with an even id are online.
            Some(receive_request::Command::Watch(command)) => {
                let directs = &state.directs;
                receive_reply::Result::Watch(WatchResult {
                    conversations: command
                        .conversations
                        .into_iter()
                        .filter(|id| directs.contains(id))
                        .collect(),
                    users: command
                        .users
                        .into_iter()
                        .map(|user_id| Presence {
                            user_id,
                            online: user_id % 2 == 0,
                            last_seen_ms: user_id * 10,
                            ..Presence::default()
                        })
                        .collect(),
                })
            }
            Some(receive_request::Command::Away(command)) => {
                state.away.push(command);
                receive_reply::Result::Away(AwayResult {})
            }
            Some(receive_request::Command::Typing(command)) => {
                state.typing.push(command);
                receive_reply::Result::Typing(TypingResult {})
            }
            Some(receive_request::Command::Goim(command)) => {
                state.upstream.push((command.op, command.body.to_vec()));
                receive_reply::Result::Goim(GoimUpstreamResult::default())
            }
            None => return Err(Status::invalid_argument("no command")),
        };
        state.carried_out += 1;
        Ok(result)
    }
}

pub(crate) fn message(conversation: i64, seq: i64) -> Message {
    Message {
        conversation,
        seq,
        sender: Some(User { id: 9, username: "nine".into() }),
        content: format!("{conversation}:{seq}"),
        created_at_ms: 1_000 + seq,
        ..Message::default()
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn user_of(text: &str) -> Result<User, Status> {
    let id = text.strip_prefix('u').and_then(|id| id.parse().ok());
    let id: i64 = id.ok_or_else(|| Refusal::new(Code::Unauthenticated, "no such session"))?;
    Ok(User { id, username: format!("user{id}") })
}

#[tonic::async_trait]
impl Logic for Scripted {
    async fn authenticate(&self, request: Request<ConnectRequest>) -> Answer<ConnectReply> {
        let request = request.into_inner();
        let mut reply = ConnectReply { key: request.key.clone(), ..ConnectReply::default() };
        let mut state = self.state.lock();
        state.calls.push("authenticate");
        reply.goim_heartbeat_ms = state.goim_heartbeat_ms;
        let mut is_addressable = false;
        match request.credential {
            Some(Credential::Bearer(text) | Credential::Sid(text)) => {
                let user = user_of(&text)?;
                // Each user has one log-in.
                reply.login = u32::try_from(user.id).unwrap();
                reply.user = Some(user);
                reply.rooms = state.rooms.iter().chain(&state.left_rooms).map(ToString::to_string).collect();
            }
            Some(Credential::GoimAuth(body)) => {
                let auth = AuthBody::parse(&body).map_err(|e| Status::invalid_argument(e.to_string()))?;
                if auth.mid < 0 {
                    return Err(Refusal::new(Code::Unauthenticated, "no").into());
                }
                reply.user = Some(User { id: auth.mid, username: String::new() });
                is_addressable = !auth.key.is_empty();
                if is_addressable {
                    reply.key = auth.key;
                }
                reply.goim_room = auth.room_id;
                reply.accepts = auth.accepts;
            }
            None => return Err(Refusal::new(Code::Unauthenticated, "nothing shown").into()),
        }
        if state.token_life_ms > 0 {
            reply.expires_at_ms = oort_api::clock::now_ms() + state.token_life_ms;
        }
        let session = SessionRef {
            user_id: reply.user.as_ref().map_or(0, |user| user.id),
            key: reply.key.clone(),
            version: request.version,
            platform: request.platform,
            addressable: is_addressable,
            ..SessionRef::default()
        };
        state.sessions.insert(reply.key.clone(), session);
        Ok(Response::new(reply))
    }

    async fn announce_node(&self, _: Request<AnnounceNodeRequest>) -> Answer<AnnounceNodeReply> {
        Ok(Response::new(AnnounceNodeReply::default()))
    }

    async fn disconnect(&self, request: Request<DisconnectRequest>) -> Answer<DisconnectReply> {
        let held = {
            let mut state = self.state.lock();
            state.calls.push("disconnect");
            state.held_disconnects.clone()
        };
        if let Some(held) = held {
            held.acquire().await.expect("open").forget();
        }
        let mut state = self.state.lock();
        if state.fail_disconnect {
            return Err(Status::unavailable("not now"));
        }
        for session in request.into_inner().sessions {
            if state.sessions.get(&session.key).is_some_and(|held| held.version == session.version) {
                state.sessions.remove(&session.key);
            }
            state.disconnects.push(session);
        }
        Ok(Response::new(DisconnectReply {}))
    }

    async fn enter_rooms(&self, request: Request<RoomsRequest>) -> Answer<RoomsReply> {
        let mut state = self.state.lock();
        state.calls.push("enter_rooms");
        if state.fail_enter {
            return Err(Status::unavailable("not now"));
        }
        for room in request.into_inner().rooms {
            let version = state.entered.entry(room.room).or_default();
            *version = room.version.max(*version);
        }
        Ok(Response::new(RoomsReply {}))
    }

    async fn leave_rooms(&self, request: Request<RoomsRequest>) -> Answer<RoomsReply> {
        let mut state = self.state.lock();
        for room in request.into_inner().rooms {
            if state.entered.get(&room.room).is_some_and(|version| *version < room.version) {
                state.entered.remove(&room.room);
            }
        }
        Ok(Response::new(RoomsReply {}))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Answer<RenewReply> {
        let mut state = self.state.lock();
        if state.superseded {
            return Err(Refusal::new(Code::Forbidden, "a newer comet is running").into());
        }
        let draining_comets = i32::from(request.get_ref().draining) + state.others_draining;
        let taking_comets = state.others_taking;
        state.renewals.push(request.into_inner());
        let announce = std::mem::take(&mut state.announce_next);
        if announce {
            state.entered.clear();
            state.sessions.clear();
        }
        Ok(Response::new(RenewReply {
            announce,
            lease_ms: state.lease_ms,
            total_connections: 4242,
            draining_comets,
            taking_comets,
        }))
    }

    async fn announce(&self, request: Request<AnnounceRequest>) -> Answer<AnnounceReply> {
        let _open = self.announce_gate.acquire().await.unwrap();
        let mut state = self.state.lock();
        let AnnounceRequest { sessions, rooms, .. } = request.into_inner();
        for session in sessions {
            state.announced.push(session.key.clone());
            state.sessions.insert(session.key.clone(), session);
        }
        for room in rooms {
            state.announced.push(room.room.clone());
            state.entered.insert(room.room, room.version);
        }
        Ok(Response::new(AnnounceReply {}))
    }

    async fn hello(&self, request: Request<HelloRequest>) -> Answer<HelloReply> {
        let request = request.into_inner();
        let conversations: Vec<Conversation> = {
            let mut state = self.state.lock();
            state.calls.push("hello");
            let latest = i64::from(request.latest);
            let room = |id: &i64| {
                let head = state.heads.get(id).copied().unwrap_or(0);
                Conversation {
                    id: *id,
                    kind: ConversationKind::Room.into(),
                    name: format!("room {id}"),
                    head,
                    latest: (1..=head)
                        .rev()
                        .take(usize::try_from(latest).unwrap())
                        .map(|seq| message(*id, seq))
                        .collect(),
                    has_more: head > latest,
                    ..Conversation::default()
                }
            };
            state.rooms.iter().chain(&state.late_rooms).map(room).collect()
        };
        let _open = self.hello_gate.acquire().await.unwrap();
        let cursor = SINCE.to_owned();
        if request.since == SINCE {
            let place = |room: &Conversation| Place { conversation: room.id, head: room.head, direct: false };
            let places = conversations.iter().map(place).collect();
            return Ok(Response::new(HelloReply { cursor, partial: true, places, ..HelloReply::default() }));
        }
        Ok(Response::new(HelloReply { conversations, cursor, ..HelloReply::default() }))
    }

    async fn receive(&self, request: Request<ReceiveRequest>) -> Answer<ReceiveReply> {
        let request = request.into_inner();
        self.state.lock().received.push(match &request.command {
            Some(receive_request::Command::Send(_)) => ("send", 1),
            Some(receive_request::Command::Sends(batch)) => ("sends", batch.sends.len()),
            Some(receive_request::Command::History(_)) => ("history", 1),
            Some(receive_request::Command::Cursor(_)) => ("cursor", 1),
            _ => ("other", 1),
        });
        let is_cursor = matches!(request.command, Some(receive_request::Command::Cursor(_)));
        let gate = if is_cursor { &self.cursor_gate } else { &self.receive_gate };
        let _open = gate.acquire().await.unwrap();
        let result = self.carry_out(request)?;
        let _open = self.answer_gate.acquire().await.unwrap();
        Ok(Response::new(ReceiveReply { result: Some(result) }))
    }
}
