//! What must hold for any text frame of a browser. Called by the fuzz target and by the test that replays
//! its seeds.

use oort_api::codec::envelope::{ClientFrame, Flavour, Limits, parse};

/// Small, so that lengths around the limits are found.
const LIMITS: Limits = Limits {
    frame_bytes_max: 400,
    messages_per_frame_max: 3,
    content_bytes_max: 20,
    client_msg_id_bytes_max: 8,
    request_id_bytes_max: 8,
    room_name_chars_max: 6,
    history_count_max: 50,
    merged_frames_max: 1,
    merged_messages_max: 3,
    cursors_waiting_max: 1,
};

/// Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let classic = parse(text, Flavour::Classic, &LIMITS);
    let v1 = parse(text, Flavour::V1, &LIMITS);
    if classic.is_ok() {
        assert_eq!(classic, v1, "V1 takes all that Classic takes");
    }
    match v1 {
        Ok(frame) => assert_within_limits(text, &frame),
        Err(error) => assert!(error.request_id.is_none_or(|id| id.len() <= LIMITS.request_id_bytes_max)),
    }
}

fn assert_within_limits(text: &str, frame: &ClientFrame) {
    assert!(text.len() <= LIMITS.frame_bytes_max);
    let request_id = match frame {
        ClientFrame::Send { command, request_id } => {
            assert!(command.conversation > 0);
            assert!((1..=LIMITS.messages_per_frame_max).contains(&command.messages.len()));
            for message in &command.messages {
                assert!((1..=LIMITS.content_bytes_max).contains(&message.content.len()));
                assert!(message.client_msg_id.len() <= LIMITS.client_msg_id_bytes_max);
            }
            request_id
        }
        ClientFrame::History { command, request_id } => {
            assert!(command.conversation > 0);
            assert!(command.before >= 0 && command.after >= 0);
            assert!(command.before == 0 || !command.after_set);
            let count_max = i32::try_from(LIMITS.history_count_max).unwrap_or(i32::MAX);
            assert!((1..=count_max).contains(&command.limit));
            request_id
        }
        ClientFrame::CreateRoom { command, request_id } => {
            assert!((1..=LIMITS.room_name_chars_max).contains(&command.name.chars().count()));
            request_id
        }
        ClientFrame::Ping | ClientFrame::Typing(_) | ClientFrame::Away(_) => &None,
        ClientFrame::Cursor { command, request_id } => {
            assert!(command.conversation > 0 && command.delivered_seq >= 0 && command.read_seq >= 0);
            request_id
        }
        ClientFrame::Watch { watch, request_id } => {
            assert!(watch.conversations.is_sorted_by(|a, b| a < b) && watch.users.is_sorted_by(|a, b| a < b));
            request_id
        }
    };
    assert!(request_id.as_ref().is_none_or(|id| (1..=LIMITS.request_id_bytes_max).contains(&id.len())));
}
