//! Comets, their leases, and who is routed to.

use std::time::Duration;

use oort_api::directory::{CometInfo, CometRef, Error, Renewal, Routes};

use super::{Fresh, LONG, PATIENCE, comet, info, key, live, nowhere, presence, room, route, session, user};

/// Where all of the three things [`route`] asks for are.
fn all_at(comet: &CometRef) -> Routes {
    Routes {
        users: [(user(1), vec![comet.clone()])].into(),
        keys: [(key("k"), comet.clone())].into(),
        rooms: [(room("r"), vec![comet.clone()])].into(),
    }
}

async fn register_all(directory: &dyn oort_api::directory::Directory, comet: &CometRef) {
    directory.add_sessions(comet, &[session(1, "k", 1)]).await.expect("added");
    directory.enter_rooms(comet, &[presence("r", 1)]).await.expect("entered");
}

pub(super) async fn renewals_tell_whether_it_was_known(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let first = info(&comet("c", 1));
    assert_eq!(directory.renew(&first, LONG).await, Ok(Renewal::Unknown));
    assert_eq!(directory.renew(&first, LONG).await, Ok(Renewal::Known));
    assert_eq!(directory.renew(&info(&comet("c", 2)), LONG).await, Ok(Renewal::Unknown), "another epoch");
    assert_eq!(directory.renew(&info(&comet("c", 2)), LONG).await, Ok(Renewal::Known));
    fresh.wipe().await;
    assert_eq!(directory.renew(&info(&comet("c", 2)), LONG).await, Ok(Renewal::Unknown), "wiped");
    directory.check().await.expect("answers");
}

pub(super) async fn a_lease_ends(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let short = comet("c", 1);
    directory.renew(&info(&short), Duration::from_millis(300)).await.expect("renewed");
    register_all(&*directory, &short).await;
    assert_eq!(directory.comets().await.expect("answers").len(), 1);
    assert_eq!(route(&*directory).await, all_at(&short));
    tokio::time::timeout(PATIENCE, async {
        while !directory.comets().await.expect("answers").is_empty() || route(&*directory).await != nowhere()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it ends");
    // Its entries are still there, so it is routed to as soon as it is back.
    assert_eq!(directory.renew(&info(&short), LONG).await, Ok(Renewal::Unknown));
    assert_eq!(route(&*directory).await, all_at(&short));
}

pub(super) async fn an_older_incarnation_is_refused(fresh: &impl Fresh) {
    let directory = fresh.directory();
    // Beyond what a double holds exactly.
    let (older, newer) = (9_007_199_254_740_992, 9_007_199_254_740_993);
    live(&*directory, "c", newer).await;
    let refused = directory.renew(&info(&comet("c", older)), LONG).await;
    assert_eq!(refused, Err(Error::Superseded { id: "c".to_owned(), epoch: newer }));
    let refused = directory.renew(&info(&comet("c", 9)), LONG).await;
    assert_eq!(refused, Err(Error::Superseded { id: "c".to_owned(), epoch: newer }));
    assert_eq!(directory.comets().await.expect("answers")[0].comet.epoch, newer);
    assert_eq!(directory.renew(&info(&comet("c", newer + 1)), LONG).await, Ok(Renewal::Unknown));
}

pub(super) async fn only_the_incarnation_itself_retires(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let comet_2 = live(&*directory, "c", 2).await;
    register_all(&*directory, &comet_2).await;
    directory.retire(&comet("c", 1)).await.expect("answers");
    assert_eq!(directory.comets().await.expect("answers").len(), 1);
    directory.retire(&comet_2).await.expect("retired");
    assert_eq!(directory.comets().await.expect("answers"), []);
    assert_eq!(route(&*directory).await, nowhere());
}

pub(super) async fn what_a_comet_says_is_read_back(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let mut said = info(&comet("c\"epoch\":7{}", 3));
    directory.renew(&said, LONG).await.expect("renewed");
    said.draining = true;
    said.connections = 99;
    directory.renew(&said, LONG).await.expect("renewed");
    assert_eq!(fresh.elsewhere().comets().await, Ok(vec![said]));
}

pub(super) async fn one_that_was_not_known_is_announcing(fresh: &impl Fresh) {
    let (directory, elsewhere) = (fresh.directory(), fresh.elsewhere());
    let says = |announcing, announcements| CometInfo { announcing, announcements, ..info(&comet("c", 1)) };
    let recorded = async || elsewhere.comets().await.expect("answers");
    for round in 0..2 {
        assert_eq!(directory.renew(&says(false, round), LONG).await, Ok(Renewal::Unknown));
        assert_eq!(recorded().await, [says(true, round)], "nothing of it is there, whatever it says");
        assert_eq!(directory.renew(&says(true, round), LONG).await, Ok(Renewal::Known));
        assert_eq!(recorded().await, [says(true, round)], "it says so");
        assert_eq!(directory.renew(&says(false, round + 1), LONG).await, Ok(Renewal::Known));
        assert_eq!(recorded().await, [says(false, round + 1)]);
        fresh.wipe().await;
    }
    // Another incarnation is another's entries.
    directory.renew(&says(false, 0), LONG).await.expect("renewed");
    directory.renew(&says(false, 0), LONG).await.expect("renewed");
    let next = CometInfo { comet: comet("c", 2), ..says(false, 0) };
    assert_eq!(directory.renew(&next, LONG).await, Ok(Renewal::Unknown));
    assert_eq!(recorded().await, [CometInfo { announcing: true, ..next }]);
}

pub(super) async fn the_census_changes_with_the_comets(fresh: &impl Fresh) {
    let (directory, elsewhere) = (fresh.directory(), fresh.elsewhere());
    let look_up = async || elsewhere.look_up(&[user(1)], &[key("k")], &[room("r")]).await.expect("answers");
    let census = async || look_up().await.census;
    let says = |announcing, announcements| CometInfo { announcing, announcements, ..info(&comet("c", 1)) };
    assert_eq!(census().await, None, "nothing is known of an empty directory");
    let mut before = census().await;
    let mut changed = async |what: &str, is_expected: bool| {
        let now = census().await;
        assert_eq!(now != before, is_expected, "{what}: {before:?}, then {now:?}");
        before = now;
    };
    directory.renew(&says(true, 0), LONG).await.expect("renewed");
    changed("a new comet", true).await;
    directory.renew(&says(true, 0), LONG).await.expect("renewed");
    register_all(&*directory, &comet("c", 1)).await;
    changed("it says the same, and has sessions", false).await;
    directory.renew(&says(false, 1), LONG).await.expect("renewed");
    changed("it has announced everything", true).await;
    directory.renew(&CometInfo { connections: 9, ..says(false, 1) }, LONG).await.expect("renewed");
    changed("it has more connections", false).await;
    directory.renew(&says(false, 2), LONG).await.expect("renewed");
    changed("it has announced everything again", true).await;
    directory.retire(&comet("c", 1)).await.expect("retired");
    changed("it is gone", true).await;
    tokio::time::timeout(PATIENCE, async {
        while look_up().await.lapsed != [comet("c", 1)] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("entries name a comet without a lease");
    changed("they do so", false).await;
    while directory.sweep(100).await.expect("swept") > 0 || !look_up().await.lapsed.is_empty() {}
    changed("its entries are swept", true).await;
    fresh.wipe().await;
    assert_eq!(census().await, None, "wiped");
    live(&*directory, "c", 2).await;
    changed("another one", true).await;
}

pub(super) async fn routes_go_to_live_incarnations_only(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let before = live(&*directory, "c", 1).await;
    register_all(&*directory, &before).await;
    assert_eq!(route(&*directory).await, all_at(&before));
    let after = live(&*directory, "c", 2).await;
    // What is cached of comets may be a moment old.
    tokio::time::timeout(PATIENCE, async {
        while route(&*directory).await != nowhere() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("entries of epoch 1 are ignored");
    register_all(&*directory, &after).await;
    assert_eq!(route(&*directory).await, all_at(&after));
    assert_eq!(directory.route(&[], &[], &[]).await, Ok(nowhere()));
    assert_eq!(directory.route(&[user(2)], &[key("x")], &[room("x")]).await, Ok(nowhere()));
}

pub(super) async fn a_new_incarnation_is_seen_at_once(fresh: &impl Fresh) {
    let (directory, elsewhere) = (fresh.directory(), fresh.elsewhere());
    assert_eq!(route(&*elsewhere).await, nowhere());
    for epoch in 1..4 {
        let incarnation = live(&*directory, "c", epoch).await;
        register_all(&*directory, &incarnation).await;
        assert_eq!(route(&*elsewhere).await, all_at(&incarnation), "no cache is in the way");
    }
    // Gone and back as the same incarnation.
    let incarnation = comet("c", 3);
    directory.retire(&incarnation).await.expect("retired");
    tokio::time::timeout(PATIENCE, async {
        while route(&*elsewhere).await != nowhere() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("retired");
    directory.renew(&info(&incarnation), LONG).await.expect("renewed");
    assert_eq!(route(&*elsewhere).await, all_at(&incarnation));
}

pub(super) async fn sweeping_removes_what_the_dead_left(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (dead, alive) = (live(&*directory, "dead", 1).await, live(&*directory, "alive", 1).await);
    let numbers = 1..=30;
    let sessions: Vec<_> = numbers.clone().map(|id| session(id, &format!("k{id}"), 1)).collect();
    let rooms: Vec<_> = numbers.clone().map(|id| presence(&format!("r{id}"), 1)).collect();
    directory.add_sessions(&dead, &sessions).await.expect("added");
    directory.enter_rooms(&dead, &rooms).await.expect("entered");
    directory.enter_rooms(&alive, &rooms).await.expect("entered");
    let kept: Vec<_> = numbers.clone().map(|id| session(id, &format!("a{id}"), 1)).collect();
    directory.add_sessions(&alive, &kept).await.expect("added");

    for _ in 0..40 {
        assert_eq!(directory.sweep(7).await, Ok(0), "both are live");
    }
    directory.retire(&dead).await.expect("retired");
    let mut removed = 0;
    tokio::time::timeout(PATIENCE, async {
        while removed < 90 {
            removed += directory.sweep(7).await.expect("swept");
        }
    })
    .await
    .expect("finds all");
    assert_eq!(removed, 90, "a user's, a key's and a room's entry for each");
    // Gone for good, even if the comet comes back.
    live(&*directory, "dead", 1).await;
    let users: Vec<_> = numbers.clone().map(user).collect();
    let keys: Vec<_> = sessions.iter().map(|session| session.key.clone()).collect();
    let room_keys: Vec<_> = rooms.iter().map(|presence| presence.room.clone()).collect();
    let routes = directory.route(&users, &keys, &room_keys).await.expect("answers");
    assert!(routes.users.values().chain(routes.rooms.values()).all(|comets| *comets == [alive.clone()]));
    assert_eq!((routes.users.len(), routes.keys.len(), routes.rooms.len()), (30, 0, 30));
}

pub(super) async fn strange_names_are_refused(fresh: &impl Fresh) {
    let directory = fresh.directory();
    for id in ["", "a|b", &"x".repeat(65)] {
        let refused = directory.renew(&info(&comet(id, 1)), LONG).await;
        assert!(matches!(refused, Err(Error::Config(_))), "{id:?}: {refused:?}");
    }
}
