//! What messages have beside their text: kept as it was sent, compared when it is sent again, and quoted by those that
//! answer.

use oort_api::pb::oort::v1::{Details, Message, MessageKind, Quote, User};
use oort_logic::store::{Alteration, Appended, ChangeBounds, Changed, NewChange, NewMessage, Range};

use super::fixture::{Fixture, NOW, conversation, id, message, pushed_message, records, say, stored, user};

const BOUNDS: ChangeBounds =
    ChangeBounds { edit_within_ms: 1_000, recall_within_ms: 1_000, reaction_kinds_max: 1 };

fn image(url: &str) -> Details {
    let attachment = format!(r#"{{"url":"{url}"}}"#);
    Details { kind: MessageKind::Image.into(), attachment, ..Details::default() }
}

fn with(message: NewMessage, details: Details) -> NewMessage {
    NewMessage { details: Some(Box::new(details)), ..message }
}

pub(crate) async fn what_was_sent_comes_back_and_is_compared(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let room = conversation(3);
    let all = Details { mentions: vec![ada.id, bob.id], mentions_all: true, ..image("https://a/ö'\\") };
    let sent = [
        with(message(room, &ada, "m1", ""), all.clone()),
        message(room, &ada, "m2", "plain"),
        with(message(room, &ada, "m3", "hi"), Details { mentions: vec![bob.id], ..Details::default() }),
    ];
    let (outcomes, row) = store.append("node", &sent, &[], NOW).await.expect("appends");
    assert_eq!(outcomes.iter().map(|outcome| stored(outcome).0).collect::<Vec<_>>(), [1, 2, 3]);
    let page = store.history(room, Range::After(0), 10).await.expect("answers");
    let details = |message: &Message| message.extra.as_ref().and_then(|extra| extra.details.clone());
    let shown: Vec<_> = page.messages.iter().map(|message| (message.kind(), details(message))).collect();
    let mention = Details { mentions: vec![bob.id], ..Details::default() };
    assert_eq!(
        shown,
        [
            (MessageKind::Image, Some(all.clone())),
            (MessageKind::Text, None),
            (MessageKind::Text, Some(mention))
        ]
    );
    assert_eq!(page.messages[1].extra, None, "a plain text has nothing more");
    let pushed: Vec<Message> =
        records(&row.expect("a row")).iter().map(|(_, push)| pushed_message(push)).collect();
    assert_eq!(pushed, page.messages, "told as it is stored");

    for (seq, alteration) in [(1, Alteration::Recall), (3, Alteration::Edit("ho".to_owned()))] {
        let seq = oort_api::ids::Seq::new(seq).expect("positive");
        let change = NewChange { conversation: room, seq, actor: ada.clone(), alteration };
        let (changed, _) = store.change("node", &change, &BOUNDS, NOW).await.expect("answers");
        let Changed::Stands(changed) = changed else { panic!("refused: {changed:?}") };
        assert_eq!(details(&changed).is_some(), seq.get() == 3, "an edit keeps it, a recall does not");
    }
    let (again, row) = store.append("node", &sent, &[], NOW).await.expect("appends");
    assert!(
        again.iter().all(|outcome| matches!(outcome, Appended::Duplicate { .. })) && row.is_none(),
        "{again:?}"
    );
    let others = [
        message(room, &ada, "m1", ""),
        with(message(room, &ada, "m1", ""), image("https://b")),
        with(message(room, &ada, "m2", "plain"), Details { mentions_all: true, ..Details::default() }),
        message(room, &ada, "m3", "hi"),
        with(message(room, &ada, "m3", "ho"), Details { mentions: vec![bob.id], ..Details::default() }),
        with(message(room, &ada, "m4", ""), image("https://c")),
        with(message(room, &ada, "m4", ""), image("https://d")),
    ];
    let (outcomes, _) = store.append("node", &others, &[], NOW).await.expect("appends");
    assert_eq!(outcomes[..5], vec![Appended::Conflict; 5]);
    assert_eq!((stored(&outcomes[5]).0, &outcomes[6]), (4, &Appended::Conflict), "inside a batch, too");
}

pub(crate) async fn an_answer_quotes_what_it_answers(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob): (User, User) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let long = "ä".repeat(300);
    say(&store, group.id, &ada, &long).await;
    say(&store, conversation(1), &ada, "elsewhere").await;
    say(&store, conversation(1), &ada, "elsewhere").await;
    let answer = |id: &str, seq| {
        with(message(group.id, &bob, id, "yes"), Details { reply_to: seq, ..Details::default() })
    };
    let batch = [answer("a", 1), answer("b", 2), message(group.id, &bob, "c", "plain"), answer("d", 1)];
    let (outcomes, row) = store.append("node", &batch, &[], NOW).await.expect("appends");
    assert_eq!(outcomes[1], Appended::NoQuoted, "what is not there cannot be answered");
    assert_eq!([0, 2, 3].map(|index: usize| stored(&outcomes[index]).0), [2, 3, 4], "and leaves no hole");
    let expected = Quote {
        seq: 1,
        sender: Some(ada.clone()),
        content: "ä".repeat(100),
        kind: MessageKind::Text.into(),
        expires_at_ms: 0,
    };
    let page = store.history(group.id, Range::After(1), 10).await.expect("answers");
    let quotes: Vec<_> = page
        .messages
        .iter()
        .map(|message| message.extra.as_ref().and_then(|extra| extra.quote.clone()))
        .collect();
    assert_eq!(quotes, [Some(expected.clone()), None, Some(expected)]);
    assert_eq!(records(&row.expect("a row")).len(), 3);
    let (again, _) = store.append("node", &batch[..1], &[], NOW).await.expect("appends");
    assert!(matches!(again[0], Appended::Duplicate { .. }));
}
