//! Whether a notification still has a point, decided when it is to be sent.

use oort_api::pb::oort::v1::ConversationKind;

use crate::store::Due;

/// What is to become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is sent.
    Send,
    /// It is not, for this reason.
    Drop(&'static str),
    /// It is not, and the log-in it was for is over.
    Over,
}

/// Decides: `is_online` when the device has a connection.
pub(super) fn verdict(due: &Due, is_online: bool, kept_ms: i64, now_ms: i64) -> Verdict {
    if due.login_expires_at_ms <= now_ms {
        Verdict::Over
    } else if !due.is_member {
        Verdict::Drop("not_member")
    } else if due.read_seq >= due.seq {
        Verdict::Drop("read")
    } else if due.muted_until_ms > now_ms {
        Verdict::Drop("muted")
    } else if due.is_sender_blocked {
        Verdict::Drop("blocked")
    } else if is_online {
        Verdict::Drop("online")
    } else if due.created_at_ms.saturating_add(kept_ms) <= now_ms {
        Verdict::Drop("expired")
    } else if due.kind == ConversationKind::Room {
        Verdict::Drop("room")
    } else {
        Verdict::Send
    }
}

#[cfg(test)]
pub(super) mod tests {
    use oort_api::ids::{ConversationId, UserId};
    use oort_api::pb::oort::v1::MessageKind;

    use super::*;
    use crate::store::{Target, TargetKind};

    /// Something Bob wrote to Ann in a group.
    pub(in crate::notifications) fn due() -> Due {
        Due {
            target: Target {
                id: "target".to_owned(),
                login_id: "login".to_owned(),
                user: UserId::new(1).expect("positive"),
                kind: TargetKind::Webhook,
                address: "https://hook.example/1".to_owned(),
                secret: vec![7; 24],
                created_at_ms: 0,
            },
            login_expires_at_ms: 10_000,
            conversation: ConversationId::new(5).expect("positive"),
            kind: ConversationKind::Group,
            name: "team".to_owned(),
            is_member: true,
            seq: 9,
            read_seq: 6,
            muted_until_ms: 0,
            is_sender_blocked: false,
            is_hidden: false,
            unread: 3,
            sender: 2,
            sender_name: "bob".to_owned(),
            message_kind: MessageKind::Text,
            content: "Hello".to_owned(),
            is_untold: false,
            sent_at_ms: 900,
            attempts: 0,
            created_at_ms: 1_000,
        }
    }

    #[test]
    fn every_reason_not_to_send() {
        type Change = fn(&mut Due);
        let table: [(Change, bool, Verdict); 12] = [
            (|_| (), false, Verdict::Send),
            (|_| (), true, Verdict::Drop("online")),
            (|due| due.login_expires_at_ms = 2_000, true, Verdict::Over),
            (|due| due.is_member = false, false, Verdict::Drop("not_member")),
            (|due| due.read_seq = 8, false, Verdict::Send),
            (|due| due.read_seq = 9, false, Verdict::Drop("read")),
            (|due| due.muted_until_ms = 2_000, false, Verdict::Send),
            (|due| due.muted_until_ms = 2_001, false, Verdict::Drop("muted")),
            (|due| due.is_sender_blocked = true, false, Verdict::Drop("blocked")),
            (|due| due.created_at_ms = -3_000, false, Verdict::Drop("expired")),
            (|due| due.kind = ConversationKind::Room, false, Verdict::Drop("room")),
            (|due| due.kind = ConversationKind::Direct, false, Verdict::Send),
        ];
        for (index, (change, is_online, expected)) in table.into_iter().enumerate() {
            let mut due = due();
            change(&mut due);
            assert_eq!(verdict(&due, is_online, 5_000, 2_000), expected, "row {index}");
        }
    }
}
