//! Which servers are one store, and which of them has which shard: written down at the servers, so that no node can
//! take another view of it from its settings.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::super::migrate;
use super::super::mysql::{Settings, fault};
use super::{Map, Shard};
use crate::store::Error;

/// Longest wait for somebody else who does this, s.
const LOCK_WAIT_S: u32 = 60;

/// Rooms that the first migration makes, with the lowest ids.
const DEFAULT_ROOMS: i64 = 8;

/// A server's place in a store.
struct Place {
    store: String,
    number: i64,
}

/// Makes these servers one store, the first of them with the users, and spreads the shards when nothing is there yet.
/// Done again it changes nothing; further servers are taken in at the end, without shards.
///
/// # Errors
/// [`Error::Schema`] when one of them is another store's, has a store's data already, or is at another place of the
/// list; [`Error::Unavailable`].
pub async fn settle(servers: &[Settings]) -> Result<Map, Error> {
    let [first, further @ ..] = servers else { return Err(Error::Schema("no server is named".to_owned())) };
    let mut home = migrate::connected(first).await?;
    let lock = format!("SELECT GET_LOCK(CONCAT('oort-shards:', SHA1(DATABASE())), {LOCK_WAIT_S})");
    let got: Option<Option<i64>> = home.query_first(lock).await.map_err(fault)?;
    if got.flatten() != Some(1) {
        return Err(Error::Unavailable("another run settles the servers".to_owned()));
    }
    let settled = settle_at(&mut home, further).await;
    // The lock is the connection's.
    home.disconnect().await.ok();
    settled
}

async fn settle_at(home: &mut Conn, further: &[Settings]) -> Result<Map, Error> {
    let found = place_of(home).await?;
    check_first(found.as_ref())?;
    let count = further.len() + 1;
    let map = read_map(home, count).await?;
    let is_new = map.is_none() && !has_data(home).await?;
    if map.is_none() && is_written(home).await? {
        return Err(Error::Schema(
            "a node uses this store as one server: stop all nodes before it becomes one of several"
                .to_owned(),
        ));
    }
    let store = found.as_ref().map_or_else(|| uuid::Uuid::new_v4().to_string(), |place| place.store.clone());
    // All are looked at before any is written to.
    let mut new = Vec::new();
    for (settings, number) in further.iter().zip(1..) {
        let mut server = migrate::connected(settings).await?;
        match place_of(&mut server).await? {
            Some(place) => check_further(&place, &store, number)?,
            None if has_data(&mut server).await? => {
                return Err(Error::Schema(format!(
                    "server {number} (logic.store.shards.urls) has data of its own: a further server begins empty"
                )));
            }
            None => new.push((server, number)),
        }
    }
    if found.is_none() {
        take_in(home, &store, 0).await?;
    }
    for (mut server, number) in new {
        take_in(&mut server, &store, number).await?;
        server.disconnect().await.ok();
    }
    match map {
        Some(map) => Ok(map),
        None => {
            let server = |shard: usize| if is_new { shard % count } else { 0 };
            let map = Map::new(std::array::from_fn(server));
            let rows = Shard::all().map(|shard| format!("({}, {})", shard.number(), map.server(shard)));
            let rows = rows.collect::<Vec<_>>().join(", ");
            home.query_drop(format!("INSERT INTO shard_map (shard, server) VALUES {rows}"))
                .await
                .map_err(fault)?;
            Ok(map)
        }
    }
}

/// The map of a store that was settled over these servers.
///
/// # Errors
/// [`Error::Schema`] when [`settle`] has work to do, or the servers are not those it was done over.
pub async fn read(servers: &[Settings]) -> Result<Map, Error> {
    let mut store = None;
    let mut map = None;
    for (settings, number) in servers.iter().zip(0..) {
        let mut server = migrate::connected(settings).await?;
        let place = place_of(&mut server).await?;
        let Some(place) = place else {
            return Err(Error::Schema(format!(
                "server {number} is not in this store yet; run `oort migrate`"
            )));
        };
        if number == 0 {
            check_first(Some(&place))?;
            map = read_map(&mut server, servers.len()).await?;
        }
        check_further(&place, store.get_or_insert_with(|| place.store.clone()), number)?;
        server.disconnect().await.ok();
    }
    map.ok_or_else(|| Error::Schema("no shard has a server yet; run `oort migrate`".to_owned()))
}

/// Refuses a server that is one of several, for those who take it for the whole store.
///
/// # Errors
/// [`Error::Schema`].
pub(in crate::store) async fn check_alone(settings: &Settings) -> Result<(), Error> {
    let mut server = migrate::connected(settings).await?;
    let place = place_of(&mut server).await;
    server.disconnect().await.ok();
    match place? {
        None => Ok(()),
        Some(Place { number: 0, .. }) => Err(Error::Schema(
            "this is the first of several servers of a store: name the others in logic.store.shards.urls"
                .to_owned(),
        )),
        Some(Place { number, .. }) => Err(Error::Schema(format!(
            "this is server {number} of a store: logic.store.url is server 0, which has the users"
        ))),
    }
}

fn check_first(place: Option<&Place>) -> Result<(), Error> {
    match place {
        Some(place) if place.number != 0 => Err(Error::Schema(format!(
            "logic.store.url is server {} of a store: its first one, which has the users, belongs there",
            place.number
        ))),
        _ => Ok(()),
    }
}

fn check_further(place: &Place, store: &str, number: i64) -> Result<(), Error> {
    if place.store != store {
        return Err(Error::Schema(format!("server {number} (logic.store.shards.urls) is another store's")));
    }
    if place.number != number {
        return Err(Error::Schema(format!(
            "server {number} (logic.store.shards.urls) is server {} of this store: their order is for ever",
            place.number
        )));
    }
    Ok(())
}

async fn place_of(server: &mut Conn) -> Result<Option<Place>, Error> {
    let place: Option<(String, i64)> =
        server.query_first("SELECT store, number FROM store_server WHERE id = 1").await.map_err(fault)?;
    Ok(place.map(|(store, number)| Place { store, number }))
}

async fn take_in(server: &mut Conn, store: &str, number: i64) -> Result<(), Error> {
    let sql = "INSERT INTO store_server (id, store, number) VALUES (1, ?, ?)";
    server.exec_drop(sql, (store, number)).await.map_err(fault)
}

/// Whether anything was done here beside the first migration.
async fn has_data(server: &mut Conn) -> Result<bool, Error> {
    for (newest, usual) in [
        ("SELECT id FROM users ORDER BY id DESC LIMIT 1", 0),
        ("SELECT seq FROM messages ORDER BY conversation_id DESC, seq DESC LIMIT 1", 0),
        ("SELECT id FROM conversations ORDER BY id DESC LIMIT 1", DEFAULT_ROOMS),
    ] {
        let found: Option<i64> = server.query_first(newest).await.map_err(fault)?;
        if found.is_some_and(|found| found > usual) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a node holds a lease here.
async fn is_written(server: &mut Conn) -> Result<bool, Error> {
    let found: Option<i64> = server
        .query_first(
            "SELECT EXISTS (SELECT 1 FROM owners
                 WHERE lease_until_ms > CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))",
        )
        .await
        .map_err(fault)?;
    Ok(found == Some(1))
}

/// `None`: there is none yet.
async fn read_map(home: &mut Conn, count: usize) -> Result<Option<Map>, Error> {
    let rows: Vec<(usize, usize)> =
        home.query("SELECT shard, server FROM shard_map ORDER BY shard").await.map_err(fault)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut servers = [0; 16];
    let is_whole =
        rows.len() == servers.len() && rows.iter().zip(0..).all(|(&(shard, _), index)| shard == index);
    if !is_whole {
        return Err(Error::Schema("table shard_map does not have each shard once".to_owned()));
    }
    for (place, (_, server)) in servers.iter_mut().zip(rows) {
        if server >= count {
            return Err(Error::Schema(format!(
                "shards are at server {server}: name it in logic.store.shards.urls"
            )));
        }
        *place = server;
    }
    Ok(Some(Map::new(servers)))
}
