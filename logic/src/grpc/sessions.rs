//! What a comet tells of its sessions, rooms and itself, into the directory.

use std::collections::HashMap;

use oort_api::directory::{CometInfo, CometRef, LoginTag, Renewal, RoomEntry, SessionEntry};
use oort_api::error::Refusal;
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::pb::oort::v1 as pb;

use super::authenticate::client;
use super::{LogicService, comet_ref, invalid};
use crate::error::directory_refusal;

impl LogicService {
    pub(super) async fn end_sessions(
        &self,
        request: pb::DisconnectRequest,
    ) -> Result<pb::DisconnectReply, Refusal> {
        let comet = comet_ref(request.comet)?;
        let sessions = session_entries(request.sessions)?;
        self.app.directory.remove_sessions(&comet, &sessions).await.map_err(directory_refusal)?;
        sessions.iter().filter_map(|session| session.user).for_each(|user| self.app.presence.went(user));
        Ok(pb::DisconnectReply {})
    }

    pub(super) async fn enter(&self, request: pb::RoomsRequest) -> Result<pb::RoomsReply, Refusal> {
        let comet = comet_ref(request.comet)?;
        let rooms = room_entries(request.rooms)?;
        self.app.directory.enter_rooms(&comet, &rooms).await.map_err(directory_refusal)?;
        Ok(pb::RoomsReply {})
    }

    pub(super) async fn leave(&self, request: pb::RoomsRequest) -> Result<pb::RoomsReply, Refusal> {
        let comet = comet_ref(request.comet)?;
        let rooms = room_entries(request.rooms)?;
        self.app.directory.leave_rooms(&comet, &rooms).await.map_err(directory_refusal)?;
        Ok(pb::RoomsReply {})
    }

    pub(super) async fn announce_all(
        &self,
        request: pb::AnnounceRequest,
    ) -> Result<pb::AnnounceReply, Refusal> {
        let comet = comet_ref(request.comet)?;
        let sessions = session_entries(request.sessions)?;
        let rooms = room_entries(request.rooms)?;
        if !sessions.is_empty() {
            self.app.directory.add_sessions(&comet, &sessions).await.map_err(directory_refusal)?;
        }
        if !rooms.is_empty() {
            self.app.directory.enter_rooms(&comet, &rooms).await.map_err(directory_refusal)?;
        }
        Ok(pb::AnnounceReply {})
    }

    pub(super) async fn renew_comet(&self, request: pb::RenewRequest) -> Result<pb::RenewReply, Refusal> {
        let comet = comet_ref(request.comet)?;
        let known = self.app.directory.comets().await.map_err(directory_refusal)?;
        let others: i64 =
            known.iter().filter(|other| other.comet.id != comet.id).map(|other| other.connections).sum();
        let total_connections = others + request.connections;
        let other_comets = |draining: bool| {
            let known = known.iter().filter(|other| other.comet.id != comet.id);
            i32::try_from(known.filter(|other| other.draining == draining).count()).unwrap_or(i32::MAX)
        };
        let draining_comets = other_comets(true).saturating_add(request.draining.into());
        let taking_comets = other_comets(false);
        let info = CometInfo {
            room_counts: merged_counts(&known, &comet, request.room_counts),
            comet,
            grpc_address: request.grpc_address,
            ws_address: request.ws_address,
            tcp_address: request.tcp_address,
            weight: request.weight,
            connections: request.connections,
            addresses: request.addresses,
            draining: request.draining,
            announcing: request.announcing,
            announcements: request.announcements,
        };
        let renewal = self.app.directory.renew(&info, self.comet_lease).await.map_err(directory_refusal)?;
        Ok(pb::RenewReply {
            announce: renewal == Renewal::Unknown,
            lease_ms: i64::try_from(self.comet_lease.as_millis()).unwrap_or(i64::MAX),
            total_connections,
            draining_comets,
            taking_comets,
        })
    }
}

/// The comet tells only counts that changed, the directory holds all. A comet
/// renews one call after the other, so nothing changes in between.
fn merged_counts(
    known: &[CometInfo],
    comet: &CometRef,
    changed: HashMap<String, i32>,
) -> HashMap<String, i32> {
    let before = known.iter().find(|info| info.comet == *comet);
    let mut counts = before.map(|info| info.room_counts.clone()).unwrap_or_default();
    counts.extend(changed);
    counts.retain(|_, count| *count > 0);
    counts
}

pub(super) fn session_entries(sessions: Vec<pb::SessionRef>) -> Result<Vec<SessionEntry>, Refusal> {
    let entry = |session: pb::SessionRef| {
        Ok(SessionEntry {
            user: UserId::new(session.user_id),
            key: SessionKey::new(&session.key).map_err(|fault| invalid(format!("sessions: key: {fault}")))?,
            version: session.version,
            platform: client(&session.platform),
            addressable: session.addressable,
            login: LoginTag::new(session.login),
        })
    };
    sessions.into_iter().map(entry).collect()
}

fn room_entries(rooms: Vec<pb::RoomRef>) -> Result<Vec<RoomEntry>, Refusal> {
    let entry = |room: pb::RoomRef| {
        let key = RoomKey::new(&room.room).map_err(|fault| invalid(format!("rooms: {fault}")))?;
        Ok(RoomEntry { room: key, version: room.version })
    };
    rooms.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_counts_join_the_known_ones_of_the_same_incarnation() {
        let comet = CometRef { id: "a".to_owned(), epoch: 2 };
        let known = CometInfo {
            comet: comet.clone(),
            grpc_address: String::new(),
            ws_address: String::new(),
            tcp_address: String::new(),
            weight: 1,
            connections: 0,
            addresses: 0,
            draining: false,
            announcing: false,
            announcements: 0,
            room_counts: HashMap::from([("x://1".to_owned(), 1), ("x://2".to_owned(), 2)]),
        };
        let changed = HashMap::from([("x://1".to_owned(), 0), ("x://3".to_owned(), 3)]);
        let merged = merged_counts(std::slice::from_ref(&known), &comet, changed.clone());
        assert_eq!(merged, HashMap::from([("x://2".to_owned(), 2), ("x://3".to_owned(), 3)]));
        let next = CometRef { epoch: 3, ..comet };
        assert_eq!(merged_counts(&[known], &next, changed), HashMap::from([("x://3".to_owned(), 3)]));
    }
}
