//! The send path.

use oort_api::op;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_logic::store::{Appended, NewMessage, Range};

use super::fixture::{
    Fixture, NOW, conversation, id, message, pushed_message, records, stored, unique, user,
};

pub(crate) async fn seqs_are_dense_and_times_rise(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let room = conversation(1);
    let mut last = (0, 0);
    // The clock stands still, jumps back, and goes on.
    for now_ms in [NOW, NOW, NOW - 60_000, NOW + 5_000] {
        let batch: Vec<_> = (0..7).map(|_| message(room, &ada, &unique(), "x")).collect();
        let (outcomes, row) = store.append("node", &batch, &[], now_ms).await.expect("appends");
        assert!(row.is_some());
        for outcome in &outcomes {
            let place = stored(outcome);
            assert_eq!(place.0, last.0 + 1);
            assert!(place.1 > last.1 && place.1 >= now_ms, "{place:?} after {last:?}");
            last = place;
        }
    }
    assert_eq!(last, (28, NOW + 5_006));
    let page = store.history(room, Range::After(0), 100).await.expect("answers");
    assert!(page.messages.windows(2).all(|pair| pair[0].created_at_ms < pair[1].created_at_ms));
    assert_eq!((page.messages.len(), page.head), (28, 28));
}

pub(crate) async fn repeats_are_duplicates_and_changes_conflicts(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (one, two) = (conversation(1), conversation(2));
    let first = message(one, &ada, "id", "text");
    let (outcomes, _) =
        store.append("node", &[first.clone(), first.clone()], &[], NOW).await.expect("appends");
    let (seq, created_at_ms) = stored(&outcomes[0]);
    let duplicate =
        Appended::Duplicate { seq: oort_api::ids::Seq::new(seq).expect("positive"), created_at_ms };
    assert_eq!(outcomes[1], duplicate, "inside one batch");

    let batch = [
        first.clone(),
        NewMessage { content: "other".into(), ..first.clone() },
        NewMessage { conversation: two, ..first.clone() },
        NewMessage { content: "text ".into(), ..first.clone() },
        NewMessage { client_msg_id: "ID".into(), ..first.clone() },
        NewMessage { sender: bob, ..first },
    ];
    let (outcomes, row) = store.append("other node", &batch, &[], NOW + 9).await.expect("appends");
    assert_eq!(outcomes[0], duplicate, "across batches and nodes");
    assert_eq!(outcomes[1..4], [Appended::Conflict, Appended::Conflict, Appended::Conflict]);
    assert_eq!(stored(&outcomes[4]).0, 2, "ids are exact");
    assert_eq!(stored(&outcomes[5]).0, 3, "and their sender's own");
    assert_eq!(records(&row.expect("two are new")).len(), 2);
    let (_, row) = store.append("node", &batch[..2], &[], NOW).await.expect("appends");
    assert_eq!(row, None, "nothing new, nothing to publish");
}

pub(crate) async fn a_mixed_batch_is_answered_in_order(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    let batch = [
        message(conversation(1), &eve, "a", "x"),
        message(group.id, &eve, "b", "x"),
        message(conversation(777), &ada, "c", "x"),
        message(direct.id, &bob, "d", "x"),
        message(direct.id, &eve, "e", "x"),
        message(group.id, &ada, "f", "x"),
        message(conversation(1), &eve, "a", "y"),
        message(conversation(1), &ada, "g", "x"),
    ];
    let (outcomes, row) = store.append("node", &batch, &[], NOW).await.expect("appends");
    let seqs: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Appended::Stored { seq, .. } => seq.get().to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(seqs, ["1", "NotMember", "NoConversation", "1", "NotMember", "1", "Conflict", "2"]);
    assert_eq!(records(&row.expect("some are stored")).len(), 4);
    let (outcomes, row) = store.append("node", &[], &[], NOW).await.expect("an empty batch is fine");
    assert_eq!((outcomes.len(), row), (0, None));
}

pub(crate) async fn the_outbox_row_holds_what_is_to_be_pushed(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (direct, _) = store.direct("node", &bob, id(&ada), NOW).await.expect("creates");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let batch = [
        NewMessage { traceparent: trace.into(), ..message(conversation(1), &ada, "a", "to the room") },
        message(direct.id, &bob, "b", "to ada"),
    ];
    let (outcomes, row) = store.append("node", &batch, &[], NOW).await.expect("appends");
    let row = row.expect("two are stored");
    assert_eq!(store.outbox("node", row.id - 1, 10).await.expect("answers"), std::slice::from_ref(&row));
    let records = records(&row);
    let room = &records[0];
    assert_eq!((room.0.as_str(), room.1.r#type(), room.1.room.as_str()), ("1", Type::Room, "1"));
    assert_eq!((room.1.operation, room.1.traceparent.as_str()), (op::SEND_MESSAGE, trace));
    assert_eq!((room.1.conversation, room.1.seq, room.1.created_at_ms), (1, 1, stored(&outcomes[0]).1));
    let to_both = &records[1];
    assert_eq!(to_both.0, direct.id.to_string());
    assert_eq!((to_both.1.r#type(), to_both.1.user_ids.clone()), (Type::Push, vec![ada.id, bob.id]));
    for (index, (_, push)) in records.iter().enumerate() {
        let page = store.history(batch[index].conversation, Range::Newest, 1).await.expect("answers");
        assert_eq!(pushed_message(push), page.messages[0], "history shows what was pushed");
        assert_eq!(page.messages[0].client_msg_id, batch[index].client_msg_id);
    }
}

pub(crate) async fn published_rows_are_gone_with_the_transaction(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let batch = [message(conversation(1), &ada, &unique(), "x")];
        let (_, row) = store.append("node", &batch, &[], NOW).await.expect("appends");
        ids.push(row.expect("stored").id);
    }
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "ids rise: {ids:?}");
    let batch = [message(conversation(1), &ada, &unique(), "x")];
    let (_, row) = store.append("node", &batch, &[ids[0], ids[3], 999_999], NOW).await.expect("appends");
    let left: Vec<_> = store.outbox("node", 0, 10).await.expect("answers").iter().map(|row| row.id).collect();
    assert_eq!(left, [ids[1], ids[2], ids[4], row.expect("stored").id]);
    store.append("node", &[], &left, NOW).await.expect("deletes only");
    assert!(store.outbox("node", 0, 10).await.expect("answers").is_empty());
}

pub(crate) async fn any_text_comes_back_byte_for_byte(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "o'Ada \\ \"%_`").await;
    let texts = [
        "'; DROP TABLE messages; --",
        "\\' OR 1=1 \\",
        "\\",
        "'",
        "a\0b\0",
        "<script>alert(1)</script> &amp; \"q\"",
        "👩‍👩‍👧‍👦 🇩🇪 😀 漢字 \u{10FFFF}",
        "\u{FEFF}bom \u{202E}rtl",
        "line\r\nline\ttab\u{1A}sub\u{7F}",
        "%s %d ? :name @var `x` _binary'x'",
        "  padded  ",
        "",
        "trailing\\",
    ];
    let batch: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| message(conversation(1), &ada, &format!("'\\{index}\0😀"), text))
        .collect();
    let (outcomes, row) = store.append("no'de\\", &batch, &[], NOW).await.expect("appends");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Appended::Stored { .. })), "{outcomes:?}");
    let page = store.history(conversation(1), Range::After(0), 100).await.expect("answers");
    for ((text, sent), read) in texts.iter().zip(&batch).zip(&page.messages) {
        assert_eq!(read.content, *text);
        assert_eq!(read.client_msg_id, sent.client_msg_id);
        assert_eq!(read.sender, Some(ada.clone()));
    }
    let row = row.expect("stored");
    assert_eq!(store.outbox("no'de\\", 0, 10).await.expect("answers"), [row], "payloads too");
    let (outcomes, _) = store.append("node", &batch, &[], NOW).await.expect("appends");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Appended::Duplicate { .. })), "{outcomes:?}");
}

pub(crate) async fn a_large_batch_is_one_transaction(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let text = "x".repeat(6_000);
    let rooms = (0..1_000).map(|index| conversation(1 + index % 8));
    let batch: Vec<_> = rooms.map(|room| message(room, &ada, &unique(), &text)).collect();
    let (outcomes, row) = store.append("node", &batch, &[], NOW).await.expect("appends");
    assert_eq!(outcomes.iter().map(|outcome| stored(outcome).0).max(), Some(125));
    assert_eq!(records(&row.expect("stored")).len(), 1_000);
    for room in 1..=8 {
        let page = store.history(conversation(room), Range::Newest, 1).await.expect("answers");
        assert_eq!((page.head, page.messages[0].seq), (125, 125));
    }
}
