//! What is done to messages: at the server of their conversation.

use std::collections::HashSet;

use futures_util::future::join_all;
use oort_api::ids::{ConversationId, FileId, Seq, UserId};
use tonic::async_trait;

use super::super::files::file_of;
use super::super::{
    Appended, ChangeBounds, ChangePage, Changed, Changes, CursorMove, DirectExpiry, Error, Expiries,
    ExpirySettled, Files as _, Hid, Hidden, Moved, NewChange, NewMessage, Outbox as _, OutboxRow, Reader,
    ReceiptOf, ReceiptPlace, Receipts, Search as _, Store as _, Stretch,
};
use super::ShardedStore;
use super::files::random;
use super::outbox::marked;

/// How long a file is kept for who sends it to another server, ms.
const FILE_HELD_MS: i64 = 60_000;

fn several() -> Error {
    Error::Internal("what is written together is at several servers".to_owned())
}

/// Files of a batch on their way to its server.
#[derive(Default)]
struct Carried {
    /// Whose senders may read them: (sender, file).
    vouched: HashSet<(i64, i64)>,
    /// Those that are held at home, under tokens.
    held: Vec<(FileId, i64)>,
    /// Places in the batch, rising, of which it is not known.
    unknown: Vec<usize>,
}

impl ShardedStore {
    /// All at one server: whoever makes batches makes them for each.
    pub(super) async fn append_at_one(
        &self,
        owner: &str,
        batch: &[NewMessage],
        published: &[i64],
        now_ms: i64,
    ) -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
        let mut servers: Vec<usize> = batch.iter().map(|message| self.place(message.conversation)).collect();
        servers.sort_unstable();
        servers.dedup();
        let published = self.unmarked(published);
        let server = match *servers {
            [] => published.first().map_or(0, |&(server, _)| server),
            [server] => server,
            _ => return Err(several()),
        };
        self.ensure(server, batch.iter().map(|message| message.sender.id)).await?;
        let mut own = Vec::new();
        for (of, ids) in published {
            if of == server {
                own = ids;
            } else {
                self.server(of).outbox_delete(&ids).await?;
            }
        }
        let carried = self.carry(server, batch, now_ms).await;
        let known: Vec<NewMessage>;
        let batch = match carried.unknown.is_empty() {
            true => batch,
            false => {
                let of = batch.iter().enumerate().filter(|(place, _)| !carried.unknown.contains(place));
                known = of.map(|(_, message)| message.clone()).collect();
                &known
            }
        };
        let appended = self.server(server).append_vouched(owner, batch, &carried.vouched, &own, now_ms).await;
        // What may have been stored all the same is kept until that shows.
        let is_in_doubt = matches!(appended, Err(Error::Unavailable(_) | Error::Internal(_)));
        for (file, token) in carried.held.into_iter().filter(|_| !is_in_doubt) {
            if let Err(cause) = self.home().let_go(file, token).await {
                tracing::debug!(%cause, "a file is held until its time is over");
            }
        }
        let (mut outcomes, row) = appended?;
        for place in carried.unknown {
            outcomes.insert(place.min(outcomes.len()), Appended::FileUnknown);
        }
        Ok((outcomes, row.map(|row| marked(server, row))))
    }

    /// Brings files that are sent to another server there, if their senders may read them.
    async fn carry(&self, server: usize, batch: &[NewMessage], now_ms: i64) -> Carried {
        let mut carried = Carried::default();
        for (place, message) in batch.iter().enumerate() {
            let Some(file) = file_of(message).and_then(FileId::new) else { continue };
            let Some(sender) = UserId::new(message.sender.id) else { continue };
            match self.carry_one(server, (file, sender), now_ms, &mut carried).await {
                Ok(()) => {}
                // One whose server does not answer is refused alone.
                Err(cause) => {
                    tracing::debug!(%cause, "whether a file may be sent is not known");
                    carried.unknown.push(place);
                }
            }
        }
        carried
    }

    async fn carry_one(
        &self,
        server: usize,
        (file, sender): (FileId, UserId),
        now_ms: i64,
        carried: &mut Carried,
    ) -> Result<(), Error> {
        let (token, until_ms) = (random(), now_ms + FILE_HELD_MS);
        carried.held.push((file, token));
        let held = self.home().hold_file(file, token, (now_ms, FILE_HELD_MS)).await?;
        let Some(found) = held else { return Ok(()) };
        if !self.soon(self.may_read(file, sender)).await? {
            return Ok(());
        }
        if server != 0 {
            self.server(server).copy_file(&found, until_ms).await?;
        }
        carried.vouched.insert((sender.get(), file.get()));
        Ok(())
    }

    pub(super) async fn may_read(&self, file: FileId, user: UserId) -> Result<bool, Error> {
        if self.home().may_read_file(file, user).await? {
            return Ok(true);
        }
        let asked = self.away().into_iter().map(|server| self.server(server).may_read_file(file, user));
        let mut unknown = None;
        for may in join_all(asked).await {
            match may {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => unknown = Some(error),
            }
        }
        // One that does not answer matters to those alone whom no other lets read it.
        unknown.map_or(Ok(false), Err)
    }

    /// All at one server, as [`Self::append_at_one`].
    pub(super) async fn move_at_one(
        &self,
        owner: &str,
        moves: &[CursorMove],
        told_members_max: u32,
        now_ms: i64,
    ) -> Result<(Vec<Moved>, Option<OutboxRow>), Error> {
        let mut servers: Vec<usize> = moves.iter().map(|step| self.place(step.conversation)).collect();
        servers.sort_unstable();
        servers.dedup();
        let server = match *servers {
            [] => 0,
            [server] => server,
            _ => return Err(several()),
        };
        self.ensure(server, moves.iter().map(|step| step.user.get())).await?;
        let (moved, row) = self.server(server).move_cursors(owner, moves, told_members_max, now_ms).await?;
        Ok((moved, row.map(|row| marked(server, row))))
    }
}

#[async_trait]
impl Changes for ShardedStore {
    async fn change(
        &self,
        owner: &str,
        change: &NewChange,
        bounds: &ChangeBounds,
        now_ms: i64,
    ) -> Result<(Changed, Option<OutboxRow>), Error> {
        let server = self.place(change.conversation);
        self.ensure(server, [change.actor.id]).await?;
        let (changed, row) = self.server(server).change(owner, change, bounds, now_ms).await?;
        Ok((changed, row.map(|row| marked(server, row))))
    }

    async fn changes(&self, id: ConversationId, after: i64, limit: u32) -> Result<ChangePage, Error> {
        self.of(id).changes(id, after, limit).await
    }

    async fn own_reactions(
        &self,
        user: UserId,
        messages: &[(i64, i64)],
    ) -> Result<Vec<(i64, i64, String)>, Error> {
        let places = messages.iter().filter_map(|&(id, seq)| Some((ConversationId::new(id)?, seq)));
        let mut all = Vec::new();
        for (server, (_, of)) in self.by_server(places, |&(id, _)| id) {
            let of: Vec<(i64, i64)> = of.into_iter().map(|(id, seq)| (id.get(), seq)).collect();
            all.extend(self.server(server).own_reactions(user, &of).await?);
        }
        Ok(all)
    }
}

#[async_trait]
impl Expiries for ShardedStore {
    async fn take_expiries(
        &self,
        now_ms: i64,
        hold_ms: i64,
        limit: u32,
    ) -> Result<Vec<(ConversationId, Seq)>, Error> {
        self.take(limit, |_, server, left| server.take_expiries(now_ms, hold_ms, left)).await
    }

    async fn settle_expiries(&self, settled: &[ExpirySettled]) -> Result<(), Error> {
        for (server, (_, of)) in self.by_server(settled.iter().copied(), |one| one.conversation) {
            self.server(server).settle_expiries(&of).await?;
        }
        Ok(())
    }

    async fn set_direct_expiry(&self, owner: &str, asked: &DirectExpiry) -> Result<Option<OutboxRow>, Error> {
        let server = self.place(asked.conversation);
        Ok(self.server(server).set_direct_expiry(owner, asked).await?.map(|row| marked(server, row)))
    }
}

#[async_trait]
impl Hidden for ShardedStore {
    async fn hide(
        &self,
        owner: &str,
        user: UserId,
        conversation: ConversationId,
        seq: Seq,
        now_ms: i64,
    ) -> Result<(Hid, Option<OutboxRow>), Error> {
        let of = self.of(conversation);
        match of.conversation(conversation, user).await? {
            None => return Ok((Hid::NoConversation, None)),
            Some((_, false)) => return Ok((Hid::NotMember, None)),
            Some((_, true)) => {}
        }
        if of.messages_at(&[(conversation.get(), seq.get())]).await?.is_empty() {
            return Ok((Hid::NoMessage, None));
        }
        let (hid, row) = self.home().hide_seen(owner, user, (conversation, seq), now_ms).await?;
        Ok((hid, row.map(|row| marked(0, row))))
    }

    async fn hidden_of(&self, user: UserId, stretches: &[Stretch]) -> Result<Vec<(i64, i64)>, Error> {
        self.home().hidden_of(user, stretches).await
    }
}

#[async_trait]
impl Receipts for ShardedStore {
    async fn receipt_place(
        &self,
        id: ConversationId,
        seq: Seq,
        user: UserId,
    ) -> Result<Option<ReceiptPlace>, Error> {
        self.ensure(self.place(id), [user.get()]).await?;
        self.of(id).receipt_place(id, seq, user).await
    }

    async fn readers(&self, of: ReceiptOf, after: i64, limit: u32) -> Result<Vec<Reader>, Error> {
        self.of(of.conversation).readers(of, after, limit).await
    }

    async fn count_readers(&self, of: ReceiptOf, max: u32) -> Result<u32, Error> {
        self.of(of.conversation).count_readers(of, max).await
    }

    async fn invisible(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        self.home().invisible(users).await
    }

    async fn blocked_by(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        self.home().blocked_by(users, limit).await
    }

    async fn blockers_of(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        self.home().blockers_of(users, limit).await
    }

    async fn blockers_among(&self, users: &[UserId], blocked: UserId) -> Result<Vec<UserId>, Error> {
        self.home().blockers_among(users, blocked).await
    }
}
