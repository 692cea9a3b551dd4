//! The directory over Redis, or a Redis Cluster.
//!
//! Every write is a script on one key, so that it compares and sets at once;
//! the scripts of one call travel in one pipeline. A call that cannot be
//! answered in time fails, and the next one connects again.

mod attempts;
mod entries;
mod link;
mod live;
mod nodes;
mod questions;
mod scripts;
mod settings;
mod sweep;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Value, from_redis_value};
use tonic::async_trait;

pub use settings::Settings;

use self::entries::{Place, Presence};
use self::link::{Link, Op};
use self::scripts::Script;
use super::{
    Answer, Attempt, AttemptKey, AttemptRules, Census, CometInfo, CometRef, Directory, Error, LEFT_KEPT,
    Lookup, NodeEntry, Question, Renewal, RoomEntry, Routes, SessionEntry, Settled, UserSession,
};
use crate::ids::{RoomKey, SessionKey, UserId};

/// The directory over Redis.
#[derive(Debug)]
pub struct RedisDirectory {
    link: Link,
    keys: Keys,
    live: live::LiveComets,
    /// Comets whose last renewal failed here and may have been recorded all
    /// the same: that the next one finds it does not mean that it was known.
    unsure: parking_lot::Mutex<HashSet<String>>,
    sweep: tokio::sync::Mutex<sweep::Cursor>,
}

/// Names of keys.
#[derive(Debug)]
struct Keys {
    prefix: String,
}

impl Keys {
    fn comet(&self, id: &str) -> String {
        format!("{}comet:{id}", self.prefix)
    }

    fn comets(&self) -> String {
        format!("{}comets", self.prefix)
    }

    fn census(&self) -> String {
        format!("{}census", self.prefix)
    }

    fn user(&self, user: UserId) -> String {
        format!("{}user:{user}", self.prefix)
    }

    fn session(&self, key: &SessionKey) -> String {
        format!("{}session:{key}", self.prefix)
    }

    fn room(&self, room: &RoomKey) -> String {
        format!("{}room:{room}", self.prefix)
    }

    fn node(&self, id: &str) -> String {
        format!("{}node:{id}", self.prefix)
    }

    fn nodes(&self) -> String {
        format!("{}nodes", self.prefix)
    }

    fn questions(&self) -> String {
        format!("{}questions", self.prefix)
    }

    fn answers(&self, question: &str) -> String {
        format!("{}answers:{question}", self.prefix)
    }
}

impl RedisDirectory {
    /// Makes the directory; Redis need not be up. Needs a tokio runtime only
    /// when it is called.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that cannot work.
    pub fn connect(settings: &Settings) -> Result<Arc<dyn Directory>, Error> {
        Ok(Arc::new(Self {
            link: Link::new(settings)?,
            keys: Keys { prefix: settings.key_prefix.clone() },
            live: live::LiveComets::new(Duration::from_millis(settings.comets_cached_ms.into())),
            unsure: parking_lot::Mutex::default(),
            sweep: tokio::sync::Mutex::default(),
        }))
    }

    /// Tells all readers to look at the comets anew.
    fn note_change(&self, who: &str) -> Op {
        Op::script(&scripts::NOTE_CHANGE, self.keys.census(), vec![who.to_owned()])
    }

    fn add_ops(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Vec<Op> {
        let epoch = comet.epoch.to_string();
        let mut of_user: BTreeMap<UserId, Vec<String>> = BTreeMap::new();
        let mut ops = Vec::new();
        for entry in sessions {
            if let Some(user) = entry.user {
                let args = of_user.entry(user).or_insert_with(|| vec![comet.id.clone(), epoch.clone()]);
                args.extend([entry.key.to_string(), entry.version.to_string(), client_of(entry)]);
            }
            if entry.addressable {
                let args = vec![comet.id.clone(), epoch.clone(), entry.version.to_string()];
                ops.push(Op::script(&scripts::ADD_SESSION, self.keys.session(&entry.key), args));
            }
        }
        let of_user = of_user.into_iter();
        ops.extend(of_user.map(|(user, args)| Op::script(&scripts::ADD_TO_USER, self.keys.user(user), args)));
        ops
    }

    fn remove_ops(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Vec<Op> {
        let mut of_user: BTreeMap<UserId, Vec<String>> = BTreeMap::new();
        let mut ops = Vec::new();
        for entry in sessions {
            let exact = Place { comet: comet.clone(), version: entry.version }.to_string();
            if let Some(user) = entry.user {
                of_user.entry(user).or_default().extend([entry.key.to_string(), exact.clone()]);
            }
            if entry.addressable {
                ops.push(Op::script(&scripts::REMOVE_EXACT, self.keys.session(&entry.key), vec![exact]));
            }
        }
        let of_user = of_user.into_iter();
        ops.extend(
            of_user.map(|(user, args)| Op::script(&scripts::REMOVE_FROM_USER, self.keys.user(user), args)),
        );
        ops
    }

    /// The operations that tell of rooms, with the arguments all have at the end.
    fn room_ops(
        &self,
        script: &'static Script,
        comet: &CometRef,
        rooms: &[RoomEntry],
        last: Option<String>,
    ) -> Vec<Op> {
        let op = |entry: &RoomEntry| {
            let mut args = vec![comet.id.clone(), comet.epoch.to_string(), entry.version.to_string()];
            args.extend(last.clone());
            Op::script(script, self.keys.room(&entry.room), args)
        };
        rooms.iter().map(op).collect()
    }
}

#[async_trait]
impl Directory for RedisDirectory {
    async fn renew(&self, info: &CometInfo, lease: Duration) -> Result<Renewal, Error> {
        info.comet.check()?;
        let json = serde_json::to_string(info).map_err(|error| Error::Config(error.to_string()))?;
        let is_unsure = self.unsure.lock().contains(&info.comet.id);
        let announcing = entries::flag(info.announcing || is_unsure);
        let lease_ms = lease.as_millis().max(1).to_string();
        let announcements = info.announcements.to_string();
        let args = vec![info.comet.epoch.to_string(), json, lease_ms, announcing.to_owned(), announcements];
        let ops = vec![
            Op::script(&scripts::RENEW, self.keys.comet(&info.comet.id), args),
            Op::script(&scripts::NOTE_COMET, self.keys.comets(), vec![info.comet.id.clone()]),
        ];
        let unsure = |_: &Error| {
            self.unsure.lock().insert(info.comet.id.clone());
        };
        let answer = self.link.run(ops).await.inspect_err(unsure)?.into_iter().next();
        if is_unsure || matches!(answer, Some(Value::Int(0 | 2))) {
            self.link.run(vec![self.note_change(&info.comet.id)]).await.inspect_err(unsure)?;
        }
        let was_unsure = self.unsure.lock().remove(&info.comet.id);
        match answer {
            Some(Value::Int(1 | 2)) if !was_unsure => Ok(Renewal::Known),
            Some(Value::Int(_)) => Ok(Renewal::Unknown),
            answer => {
                let newer = answer.and_then(|value| from_redis_value::<String>(value).ok()?.parse().ok());
                match newer {
                    Some(epoch) => Err(Error::Superseded { id: info.comet.id.clone(), epoch }),
                    None => Err(Error::Unavailable("a renewal was not answered as expected".to_owned())),
                }
            }
        }
    }

    async fn retire(&self, comet: &CometRef) -> Result<(), Error> {
        self.live.forget(&comet.id);
        let op = Op::script(&scripts::RETIRE, self.keys.comet(&comet.id), vec![comet.epoch.to_string()]);
        self.link.run(vec![op, self.note_change(&comet.id)]).await.map(drop)
    }

    async fn comets(&self) -> Result<Vec<CometInfo>, Error> {
        let mut ids = ::redis::cmd("ZRANGE");
        ids.arg(self.keys.comets()).arg(0).arg(-1);
        let ids = self.link.run(vec![Op::plain(ids)]).await?.into_iter().next().unwrap_or(Value::Nil);
        let ids: Vec<String> = entries::read(ids)?;
        let mut infos = Vec::with_capacity(ids.len());
        for value in self.link.run(ids.iter().map(|id| Op::get(&self.keys.comet(id))).collect()).await? {
            let Some(text) = entries::read::<Option<String>>(value)? else { continue };
            match entries::info(&text) {
                Some(info) => infos.push(info),
                // Written by another version of this program.
                None => tracing::warn!("a comet's entry cannot be read"),
            }
        }
        Ok(infos)
    }

    async fn add_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        comet.check()?;
        self.link.run(self.add_ops(comet, sessions)).await.map(drop)
    }

    async fn remove_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        self.link.run(self.remove_ops(comet, sessions)).await.map(drop)
    }

    async fn enter_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error> {
        comet.check()?;
        self.link.run(self.room_ops(&scripts::ENTER_ROOM, comet, rooms, None)).await.map(drop)
    }

    async fn leave_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), Error> {
        comet.check()?;
        let kept_ms = LEFT_KEPT.as_millis().to_string();
        self.link.run(self.room_ops(&scripts::LEAVE_ROOM, comet, rooms, Some(kept_ms))).await.map(drop)
    }

    async fn look_up(
        &self,
        users: &[UserId],
        keys: &[SessionKey],
        rooms: &[RoomKey],
    ) -> Result<Lookup, Error> {
        let ops = users.iter().map(|&user| Op::hash_values(&self.keys.user(user)));
        let ops = ops.chain(keys.iter().map(|key| Op::get(&self.keys.session(key))));
        let mut ops: Vec<Op> = ops.chain(rooms.iter().map(|room| Op::hash(&self.keys.room(room)))).collect();
        let lookups = ops.len();
        let aged = self.live.aged();
        ops.extend(aged.ids.iter().map(|id| self.epoch_op(id)));
        let census = Op::get(&self.keys.census());
        // Read last. The nodes of a cluster keep no order among themselves.
        let (mut values, census) = if self.link.is_cluster() {
            let values = self.link.run(ops).await?;
            (values, self.link.run(vec![census]).await?.pop())
        } else {
            ops.push(census);
            let mut values = self.link.run(ops).await?;
            let census = values.pop();
            (values, census)
        };
        let census: Option<String> = entries::read(census.unwrap_or(Value::Nil))?;
        self.live.answered(aged, values.split_off(lookups));

        let mut values = values.into_iter();
        let mut found = Found::default();
        for (user, value) in users.iter().zip(values.by_ref()) {
            let texts: Vec<String> = entries::read(value)?;
            let places = texts.iter().filter_map(|text| text.parse::<Place>().ok());
            found.users.insert(*user, places.map(|place| place.comet).collect());
        }
        for (key, value) in keys.iter().zip(values.by_ref()) {
            let text: Option<String> = entries::read(value)?;
            if let Some(place) = text.and_then(|text| text.parse::<Place>().ok()) {
                found.keys.insert(key.clone(), place.comet);
            }
        }
        for (room, value) in rooms.iter().zip(values) {
            let fields: HashMap<String, String> = entries::read(value)?;
            let presences = fields.into_iter().filter_map(|(comet, text)| Presence::parse(comet, &text));
            let present = presences.filter(|presence| !presence.left);
            found.rooms.insert(room.clone(), present.map(|presence| presence.comet).collect());
        }
        let live = self.live_among(found.named()).await?;
        let lapsed: BTreeSet<&CometRef> = found.named().filter(|comet| !live.contains(comet)).collect();
        let lapsed = lapsed.into_iter().cloned().collect();
        let routes = found.only(|comet| live.contains(comet));
        Ok(Lookup { routes, lapsed, census: census.map(Census) })
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<UserSession>, Error> {
        let values = self.link.run(vec![Op::hash(&self.keys.user(user))]).await?;
        let fields: HashMap<String, String> = entries::read(values.into_iter().next().unwrap_or(Value::Nil))?;
        let session = |(key, text): (String, String)| {
            let (platform, login) = entries::client(&text)?;
            let Place { comet, .. } = text.parse().ok()?;
            Some(UserSession { key: SessionKey::new(key).ok()?, comet, platform, login })
        };
        let mut sessions: Vec<UserSession> = fields.into_iter().filter_map(session).collect();
        let live = self.live_among(sessions.iter().map(|session| &session.comet)).await?;
        sessions.retain(|session| live.contains(&session.comet));
        sessions.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(sessions)
    }

    async fn restate_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), Error> {
        let op = |entry: &SessionEntry| {
            let exact = Place { comet: comet.clone(), version: entry.version };
            let args = vec![entry.key.to_string(), exact.to_string(), client_of(entry)];
            Some(Op::script(&scripts::RESTATE_SESSION, self.keys.user(entry.user?), args))
        };
        self.link.run(sessions.iter().filter_map(op).collect()).await.map(drop)
    }

    async fn present(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<String>>, Error> {
        let values =
            self.link.run(users.iter().map(|&user| Op::hash_values(&self.keys.user(user))).collect()).await?;
        let mut found: Vec<(UserId, CometRef, String)> = Vec::new();
        for (user, value) in users.iter().zip(values) {
            let texts: Vec<String> = entries::read(value)?;
            let session = |text: String| {
                let Place { comet, .. } = text.parse().ok()?;
                Some((*user, comet, entries::client(&text)?.0))
            };
            found.extend(texts.into_iter().filter_map(session));
        }
        let live = self.live_among(found.iter().map(|(_, comet, _)| comet)).await?;
        let mut present: HashMap<UserId, Vec<String>> = HashMap::new();
        for (user, comet, platform) in found {
            if live.contains(&comet) {
                present.entry(user).or_default().push(platform);
            }
        }
        Ok(present)
    }

    async fn sweep(&self, keys_max: usize) -> Result<usize, Error> {
        self.sweep_some(keys_max).await
    }

    async fn announce_node(&self, node: &NodeEntry, lease: Duration) -> Result<(), Error> {
        self.record_node(node, lease).await
    }

    async fn nodes(&self) -> Result<Vec<NodeEntry>, Error> {
        self.live_nodes().await
    }

    async fn attempt(&self, key: &AttemptKey, rules: &AttemptRules) -> Result<Attempt, Error> {
        self.count_attempt(key, rules).await
    }

    async fn settle(&self, key: &AttemptKey, settled: Settled) -> Result<(), Error> {
        self.settle_attempt(key, settled).await
    }

    async fn ask(&self, question: &Question) -> Result<(), Error> {
        self.record_question(question).await
    }

    async fn questions(&self) -> Result<Vec<Question>, Error> {
        self.read_questions().await
    }

    async fn answer(&self, answer: &Answer) -> Result<(), Error> {
        self.record_answer(answer).await
    }

    async fn answers(&self, question: &str) -> Result<Vec<Answer>, Error> {
        self.read_answers(question).await
    }

    async fn check(&self) -> Result<(), Error> {
        // A write, as a replica or a full Redis answers reads.
        let args = vec![FORGET_AFTER.as_secs().to_string()];
        self.link.run(vec![Op::script(&scripts::FORGET_COMETS, self.keys.comets(), args)]).await.map(drop)
    }
}

/// What stands behind a session's place.
fn client_of(entry: &SessionEntry) -> String {
    match entry.login {
        Some(tag) => format!("{}|{tag}", entry.platform),
        None => entry.platform.clone(),
    }
}

/// How long the id of a comet is kept after its last renewal. Far longer than
/// any lease, so that a live comet is never left out.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What `route` found, dead incarnations included.
#[derive(Debug, Default)]
struct Found {
    users: HashMap<UserId, Vec<CometRef>>,
    keys: HashMap<SessionKey, CometRef>,
    rooms: HashMap<RoomKey, Vec<CometRef>>,
}

impl Found {
    fn named(&self) -> impl Iterator<Item = &CometRef> + Clone {
        self.users.values().flatten().chain(self.keys.values()).chain(self.rooms.values().flatten())
    }

    fn only(self, live: impl Fn(&CometRef) -> bool) -> Routes {
        let distinct = |mut comets: Vec<CometRef>| {
            comets.retain(&live);
            comets.sort_unstable();
            comets.dedup();
            (!comets.is_empty()).then_some(comets)
        };
        let users = self.users.into_iter().filter_map(|(user, comets)| Some((user, distinct(comets)?)));
        let rooms = self.rooms.into_iter().filter_map(|(room, comets)| Some((room, distinct(comets)?)));
        Routes {
            users: users.collect(),
            keys: self.keys.into_iter().filter(|(_, comet)| live(comet)).collect(),
            rooms: rooms.collect(),
        }
    }
}
