//! The contract of the directory, run against each implementation.

#![allow(clippy::expect_used, clippy::panic, reason = "what goes wrong here fails the test")]

mod attempts;
mod cluster;
mod contract;
mod faults;
mod implementations;
mod listing;
mod registrations;

use std::sync::Arc;
use std::time::Duration;

use oort_api::directory::{CometInfo, CometRef, Directory, RoomEntry, Routes, SessionEntry, Version};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use tonic::async_trait;

/// Longer than anything takes here, shorter than a hang.
const PATIENCE: Duration = Duration::from_secs(30);
/// A lease that does not end during a test.
const LONG: Duration = Duration::from_secs(600);

/// An implementation under test, empty.
#[async_trait]
trait Fresh: Send + Sync {
    fn directory(&self) -> Arc<dyn Directory>;
    /// The same directory as another process sees it.
    fn elsewhere(&self) -> Arc<dyn Directory>;
    /// Loses everything.
    async fn wipe(&self);
}

fn comet(id: &str, epoch: i64) -> CometRef {
    CometRef { id: id.to_owned(), epoch }
}

fn info(comet: &CometRef) -> CometInfo {
    CometInfo {
        comet: comet.clone(),
        grpc_address: "http://127.0.0.1:1".to_owned(),
        ws_address: "127.0.0.1:2".to_owned(),
        tcp_address: String::new(),
        weight: 10,
        connections: 3,
        addresses: 2,
        draining: false,
        announcing: false,
        announcements: 0,
        room_counts: [("live://1".to_owned(), 3)].into(),
    }
}

async fn live(directory: &dyn Directory, id: &str, epoch: i64) -> CometRef {
    let comet = comet(id, epoch);
    directory.renew(&info(&comet), LONG).await.expect("renewed");
    comet
}

fn user(id: i64) -> UserId {
    UserId::new(id).expect("positive")
}

fn key(text: &str) -> SessionKey {
    SessionKey::new(text).expect("valid")
}

fn room(text: &str) -> RoomKey {
    RoomKey::new(text).expect("valid")
}

fn session(of: i64, text: &str, version: Version) -> SessionEntry {
    SessionEntry {
        user: Some(user(of)),
        key: key(text),
        version,
        platform: "web".to_owned(),
        addressable: true,
        login: None,
    }
}

fn presence(text: &str, version: Version) -> RoomEntry {
    RoomEntry { room: room(text), version }
}

/// Where user 1, key "k" and room "r" are.
async fn route(directory: &dyn Directory) -> Routes {
    directory.route(&[user(1)], &[key("k")], &[room("r")]).await.expect("answers")
}

fn nowhere() -> Routes {
    Routes::default()
}

/// Runs the function for each contract, by its name.
macro_rules! for_every_contract {
    ($run:ident) => {
        $run! {
            contract [
                renewals_tell_whether_it_was_known
                a_lease_ends
                an_older_incarnation_is_refused
                only_the_incarnation_itself_retires
                what_a_comet_says_is_read_back
                one_that_was_not_known_is_announcing
                the_census_changes_with_the_comets
                routes_go_to_live_incarnations_only
                a_new_incarnation_is_seen_at_once
                sweeping_removes_what_the_dead_left
                strange_names_are_refused
            ]
            registrations [
                a_late_disconnect_removes_nothing_newer
                each_comet_of_a_user_is_named_once
                the_sessions_of_a_user_say_by_which_log_in
                a_session_is_restated_only_as_it_is_recorded
                an_addressable_key_moves_to_another_comet
                anonymous_sessions_have_no_user
                rooms_follow_versions_in_any_order
                rooms_of_an_older_incarnation_are_ignored
                rooms_of_a_restart_with_a_clock_behind_are_lost_until_the_sweep
                large_batches_are_recorded_whole
                a_wipe_heals_by_announcing_again
            ]
            attempts [
                attempts_count_wherever_they_are_made
                the_wait_doubles_to_its_longest
                an_attempt_that_was_not_made_is_taken_back
                attempts_are_forgotten_in_time
                many_at_once_get_no_further_than_one_by_one
            ]
            listing [
                sessions_of_a_user_are_listed_where_they_live
                a_process_is_listed_until_its_lease_ends
                a_question_reaches_all_and_every_answer_comes_back
            ]
        }
    };
}

/// Makes a test of each, of what `fresh` makes.
macro_rules! each_as_test {
    ($($file:ident [ $($name:ident)* ])*) => {
        $($(
            #[tokio::test]
            async fn $name() {
                crate::directory::$file::$name(&fresh()).await;
            }
        )*)*
    };
}

use {each_as_test, for_every_contract};
