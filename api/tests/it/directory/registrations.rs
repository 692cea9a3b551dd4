//! Sessions and rooms: what wins when things cross on the way.

use std::time::Duration;

use oort_api::directory::{AWAY, CometRef, LoginTag, Renewal, SessionEntry, UserSession};

use super::{Fresh, LONG, PATIENCE, comet, info, key, live, nowhere, presence, room, route, session, user};

pub(super) async fn a_late_disconnect_removes_nothing_newer(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let home = live(&*directory, "c", 1).await;
    directory.add_sessions(&home, &[session(1, "k", 1)]).await.expect("added");
    directory.add_sessions(&home, &[session(1, "k", 2)]).await.expect("added");
    directory.remove_sessions(&home, &[session(1, "k", 1)]).await.expect("answers");
    assert_eq!(route(&*directory).await.users, [(user(1), vec![home.clone()])].into());
    assert_eq!(route(&*directory).await.keys, [(key("k"), home.clone())].into());
    // An earlier registration that arrives late changes nothing either.
    directory.add_sessions(&home, &[session(1, "k", 1)]).await.expect("answers");
    directory.remove_sessions(&home, &[session(1, "k", 1)]).await.expect("answers");
    // Nor does that of an earlier incarnation.
    directory.add_sessions(&comet("c", 0), &[session(1, "k", 9)]).await.expect("answers");
    assert_eq!(route(&*directory).await.keys, [(key("k"), home.clone())].into());
    directory.remove_sessions(&home, &[session(1, "k", 2)]).await.expect("removed");
    assert_eq!(route(&*directory).await, nowhere());
}

pub(super) async fn each_comet_of_a_user_is_named_once(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (a, b) = (live(&*directory, "a", 1).await, live(&*directory, "b", 5).await);
    directory.add_sessions(&a, &[session(1, "a1", 1), session(1, "a2", 2)]).await.expect("added");
    directory.add_sessions(&b, &[session(1, "b1", 1), session(2, "b2", 2)]).await.expect("added");
    let routes = directory.route(&[user(1), user(2)], &[], &[]).await.expect("answers");
    let mut of_1 = routes.users[&user(1)].clone();
    of_1.sort();
    assert_eq!(of_1, [a, b.clone()]);
    assert_eq!(routes.users[&user(2)], [b]);
}

pub(super) async fn the_sessions_of_a_user_say_by_which_log_in(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (a, b) = (live(&*directory, "a", 1).await, live(&*directory, "b", 5).await);
    let (phone, laptop) = (LoginTag::of("phone"), LoginTag::of("laptop"));
    let by = |text: &str, login| SessionEntry { login, ..session(1, text, 1) };
    directory.add_sessions(&a, &[by("a1", Some(phone)), by("a2", None)]).await.expect("added");
    let odd = SessionEntry { platform: String::new(), ..by("b1", Some(laptop)) };
    directory.add_sessions(&b, &[odd, session(2, "b2", 1)]).await.expect("added");
    // On an incarnation that is not live.
    directory.add_sessions(&comet("b", 4), &[by("b3", Some(laptop))]).await.expect("added");
    let found = fresh.elsewhere().sessions(user(1)).await.expect("answers");
    let at = |text: &str, comet: &CometRef, platform: &str, login| UserSession {
        key: key(text),
        comet: comet.clone(),
        platform: platform.to_owned(),
        login,
    };
    let first = at("a1", &a, "web", Some(phone));
    assert_eq!(found, [first.clone(), at("a2", &a, "web", None), at("b1", &b, "", Some(laptop))]);
    // A later registration of the key says it anew.
    let again = SessionEntry { version: 2, ..by("a2", Some(laptop)) };
    directory.add_sessions(&a, &[again]).await.expect("added");
    directory.remove_sessions(&b, &[session(1, "b1", 1)]).await.expect("removed");
    let found = directory.sessions(user(1)).await.expect("answers");
    assert_eq!(found, [first, at("a2", &a, "web", Some(laptop))]);
    assert_eq!(directory.sessions(user(3)).await, Ok(Vec::new()));
}

pub(super) async fn a_session_is_restated_only_as_it_is_recorded(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (a, b) = (live(&*directory, "a", 1).await, live(&*directory, "b", 1).await);
    let login = Some(LoginTag::of("phone"));
    let by = |text: &str, version| SessionEntry { login, ..session(1, text, version) };
    directory.add_sessions(&a, &[by("a1", 2), session(2, "a2", 1)]).await.expect("added");
    directory.add_sessions(&b, &[session(1, "b1", 1)]).await.expect("added");
    directory.add_sessions(&comet("b", 0), &[session(3, "b3", 1)]).await.expect("added");
    let away = |entry: SessionEntry| SessionEntry { platform: format!("web{AWAY}"), ..entry };
    // Another version, another comet, one that is not there.
    let others = [away(by("a1", 1)), away(by("a1", 3)), away(by("none", 2))];
    directory.restate_sessions(&a, &others).await.expect("answers");
    directory.restate_sessions(&b, &[away(by("a1", 2))]).await.expect("answers");
    let users = [user(1), user(2), user(3)];
    let kinds = async || {
        let mut present = fresh.elsewhere().present(&users).await.expect("answers");
        present.values_mut().for_each(|kinds| kinds.sort());
        present
    };
    let web = || "web".to_owned();
    assert_eq!(kinds().await, [(user(1), vec![web(), web()]), (user(2), vec![web()])].into());
    directory.restate_sessions(&a, &[away(by("a1", 2))]).await.expect("answers");
    let first = vec![web(), format!("web{AWAY}")];
    assert_eq!(kinds().await, [(user(1), first), (user(2), vec![web()])].into());
    let sessions = directory.sessions(user(1)).await.expect("answers");
    assert_eq!((sessions[0].login, sessions[0].platform.as_str()), (login, "web;away"));
    // It ends as any other.
    directory.remove_sessions(&a, &[by("a1", 2)]).await.expect("removed");
    assert_eq!(kinds().await[&user(1)], [web()]);
}

pub(super) async fn an_addressable_key_moves_to_another_comet(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (a, b) = (live(&*directory, "a", 9).await, live(&*directory, "b", 1).await);
    directory.add_sessions(&a, &[session(1, "k", 50)]).await.expect("added");
    directory.add_sessions(&b, &[session(1, "k", 1)]).await.expect("added");
    assert_eq!(route(&*directory).await.keys, [(key("k"), b.clone())].into());
    assert_eq!(route(&*directory).await.users, [(user(1), vec![b.clone()])].into());
    directory.remove_sessions(&a, &[session(1, "k", 50)]).await.expect("answers");
    assert_eq!(route(&*directory).await.keys, [(key("k"), b)].into());
}

pub(super) async fn anonymous_sessions_have_no_user(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let home = live(&*directory, "c", 1).await;
    let anonymous = SessionEntry { user: None, ..session(1, "k", 1) };
    let silent = SessionEntry { key: key("s"), addressable: false, ..anonymous.clone() };
    let known = SessionEntry { key: key("u"), addressable: false, ..session(2, "u", 1) };
    let all = [anonymous, silent, known];
    directory.add_sessions(&home, &all).await.expect("added");
    let (users, keys) = ([user(1), user(2)], [key("k"), key("s"), key("u")]);
    let ask = || directory.route(&users, &keys, &[]);
    let routes = ask().await.expect("answers");
    assert_eq!(routes.users, [(user(2), vec![home.clone()])].into());
    assert_eq!(routes.keys, [(key("k"), home.clone())].into());
    directory.remove_sessions(&home, &all).await.expect("removed");
    assert_eq!(ask().await, Ok(nowhere()));
}

pub(super) async fn rooms_follow_versions_in_any_order(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let home = live(&*directory, "c", 1).await;
    // (version, enters), and whether the latest of them enters.
    let cases: [(&[(i64, bool)], bool); 4] = [
        (&[(1, true), (2, false)], false),
        (&[(1, true), (2, false), (3, true)], true),
        (&[(9, true), (10, false), (11, true), (12, false)], false),
        (&[(5, false), (7, true)], true),
    ];
    for (case, (steps, is_there)) in cases.into_iter().enumerate() {
        for (order, steps) in permutations(steps).into_iter().enumerate() {
            let name = format!("r{case}-{order}");
            for (version, enters) in &steps {
                let entry = [presence(&name, *version)];
                if *enters {
                    directory.enter_rooms(&home, &entry).await.expect("entered");
                } else {
                    directory.leave_rooms(&home, &entry).await.expect("left");
                }
            }
            let routes = directory.route(&[], &[], &[room(&name)]).await.expect("answers");
            assert_eq!(routes.rooms.contains_key(&room(&name)), is_there, "{steps:?}");
        }
    }
}

fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for place in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(place);
        all.extend(permutations(&rest).into_iter().map(|mut tail| {
            tail.insert(0, first);
            tail
        }));
    }
    all
}

pub(super) async fn rooms_of_an_older_incarnation_are_ignored(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (before, other) = (live(&*directory, "c", 1).await, live(&*directory, "o", 1).await);
    directory.enter_rooms(&before, &[presence("r", 90)]).await.expect("entered");
    directory.enter_rooms(&other, &[presence("r", 1)]).await.expect("entered");
    let after = live(&*directory, "c", 2).await;
    directory.enter_rooms(&after, &[presence("r", 1)]).await.expect("entered");
    directory.leave_rooms(&before, &[presence("r", 91)]).await.expect("answers");
    directory.enter_rooms(&before, &[presence("r", 92)]).await.expect("answers");
    let mut comets = route(&*directory).await.rooms[&room("r")].clone();
    comets.sort();
    assert_eq!(comets, [after.clone(), other.clone()]);
    directory.leave_rooms(&after, &[presence("r", 2)]).await.expect("left");
    assert_eq!(route(&*directory).await.rooms, [(room("r"), vec![other])].into());
}

/// A comet that starts again with a clock that is behind: its rooms are older than those of its dead predecessor.
pub(super) async fn rooms_of_a_restart_with_a_clock_behind_are_lost_until_the_sweep(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (before, after) = (comet("c", 9), comet("c", 4));
    directory.renew(&info(&before), Duration::from_millis(300)).await.expect("renewed");
    directory.enter_rooms(&before, &[presence("r", 1)]).await.expect("entered");
    tokio::time::timeout(PATIENCE, async {
        while directory.renew(&info(&after), LONG).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the lease ends");
    directory.enter_rooms(&after, &[presence("r", 1), presence("s", 1)]).await.expect("answers");
    assert_eq!(route(&*directory).await, nowhere());
    // Only what the old one had, and leaving it changes nothing.
    let of_s = directory.route(&[], &[], &[room("s")]).await.expect("answers").rooms;
    assert_eq!(of_s, [(room("s"), vec![after.clone()])].into());
    directory.leave_rooms(&after, &[presence("r", 2)]).await.expect("answers");
    directory.enter_rooms(&after, &[presence("r", 3)]).await.expect("answers");
    assert_eq!(route(&*directory).await, nowhere());
    // Nobody enters it anew because of the sweep; who does is recorded.
    while directory.sweep(7).await.expect("swept") == 0 {}
    assert_eq!(route(&*directory).await, nowhere());
    directory.enter_rooms(&after, &[presence("r", 5)]).await.expect("entered");
    assert_eq!(route(&*directory).await.rooms, [(room("r"), vec![after])].into());
}

pub(super) async fn large_batches_are_recorded_whole(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let home = live(&*directory, "c", 1).await;
    let ids = 1..=1000;
    let sessions: Vec<_> = ids.clone().map(|id| session(id % 400 + 1, &format!("k{id}"), id)).collect();
    let rooms: Vec<_> = ids.map(|id| presence(&format!("r{id}"), id)).collect();
    directory.add_sessions(&home, &sessions).await.expect("added");
    directory.enter_rooms(&home, &rooms).await.expect("entered");
    let users: Vec<_> = (1..=400).map(user).collect();
    let keys: Vec<_> = sessions.iter().map(|session| session.key.clone()).collect();
    let room_keys: Vec<_> = rooms.iter().map(|presence| presence.room.clone()).collect();
    let routes = directory.route(&users, &keys, &room_keys).await.expect("answers");
    assert_eq!((routes.users.len(), routes.keys.len(), routes.rooms.len()), (400, 1000, 1000));
    directory.remove_sessions(&home, &sessions).await.expect("removed");
    let leaves: Vec<_> = rooms.iter().map(|entry| presence(entry.room.as_str(), 2000)).collect();
    directory.leave_rooms(&home, &leaves).await.expect("left");
    assert_eq!(directory.route(&users, &keys, &room_keys).await, Ok(nowhere()));
}

pub(super) async fn a_wipe_heals_by_announcing_again(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let home = live(&*directory, "c", 1).await;
    let announce = async || {
        directory.add_sessions(&home, &[session(1, "k", 4)]).await.expect("added");
        directory.enter_rooms(&home, &[presence("r", 5)]).await.expect("entered");
    };
    announce().await;
    let before = route(&*directory).await;
    fresh.wipe().await;
    assert_eq!(route(&*directory).await, nowhere());
    assert_eq!(directory.renew(&info(&home), LONG).await, Ok(Renewal::Unknown));
    announce().await;
    announce().await;
    assert_eq!(route(&*directory).await, before, "announcing twice is announcing once");
}
