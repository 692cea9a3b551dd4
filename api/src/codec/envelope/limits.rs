//! Bounds of what a client may put into one frame, and of how many frames travel together.

use serde::{Deserialize, Serialize};

/// Bounds of client frames. In the configuration of comet; told to V1 clients
/// in `hello`, but for the merging, which they do not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest text frame, bytes. A larger one closes the connection with 1009.
    pub frame_bytes_max: usize,
    /// Most messages in one `clientMessages` frame, at most 1024.
    pub messages_per_frame_max: usize,
    /// Longest message text, bytes of UTF-8.
    pub content_bytes_max: usize,
    /// Longest `clientMsgId`, bytes, at most 64: the store keeps no more.
    pub client_msg_id_bytes_max: usize,
    /// Longest `requestId`, bytes. It is echoed, never stored.
    pub request_id_bytes_max: usize,
    /// Longest room name, characters, at most 64.
    pub room_name_chars_max: usize,
    /// Most messages one `requestRoomHistory` gets; a larger `count` is taken
    /// as this one.
    pub history_count_max: u32,
    /// Most `clientMessages` frames of one connection that go to logic in one
    /// call, when so many lie ready; 1 = each goes by itself.
    #[serde(skip_serializing)]
    pub merged_frames_max: usize,
    /// Most messages in such a call. A frame joins only if it could be as
    /// long as `messages_per_frame_max` and still fit.
    #[serde(skip_serializing)]
    pub merged_messages_max: usize,
    /// Most `cursor` frames of one connection that wait while one is stored;
    /// further ones are refused.
    #[serde(skip_serializing)]
    pub cursors_waiting_max: usize,
}

/// Hard bound of [`Limits::messages_per_frame_max`]: what the parser holds.
pub(super) const MESSAGES_PER_FRAME_CEILING: usize = 1024;
/// Hard bound of [`Limits::client_msg_id_bytes_max`]: width of the column.
const CLIENT_MSG_ID_BYTES_CEILING: usize = 64;
/// Hard bound of [`Limits::room_name_chars_max`].
const ROOM_NAME_CHARS_CEILING: usize = 64;
/// Hard bound of [`Limits::history_count_max`]: one answer is one frame.
const HISTORY_COUNT_CEILING: u32 = 1000;
/// Hard bound of [`Limits::merged_frames_max`].
const MERGED_FRAMES_CEILING: usize = 1024;
/// Hard bound of [`Limits::merged_messages_max`]: one answer holds them all.
const MERGED_MESSAGES_CEILING: usize = 10_000;
/// Hard bound of [`Limits::cursors_waiting_max`].
const CURSORS_WAITING_CEILING: usize = 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: 65_536,
            messages_per_frame_max: 64,
            content_bytes_max: 8192,
            client_msg_id_bytes_max: 64,
            request_id_bytes_max: 64,
            room_name_chars_max: 64,
            history_count_max: 100,
            merged_frames_max: 64,
            merged_messages_max: 1024,
            cursors_waiting_max: 64,
        }
    }
}

impl Limits {
    /// Every setting that cannot work, in a sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let ranges = [
            ("frame_bytes_max", self.frame_bytes_max, usize::MAX),
            ("messages_per_frame_max", self.messages_per_frame_max, MESSAGES_PER_FRAME_CEILING),
            ("content_bytes_max", self.content_bytes_max, self.frame_bytes_max),
            ("client_msg_id_bytes_max", self.client_msg_id_bytes_max, CLIENT_MSG_ID_BYTES_CEILING),
            ("request_id_bytes_max", self.request_id_bytes_max, self.frame_bytes_max),
            ("room_name_chars_max", self.room_name_chars_max, ROOM_NAME_CHARS_CEILING),
            ("history_count_max", self.history_count_max as usize, HISTORY_COUNT_CEILING as usize),
            ("merged_frames_max", self.merged_frames_max, MERGED_FRAMES_CEILING),
            ("merged_messages_max", self.merged_messages_max, MERGED_MESSAGES_CEILING),
            ("cursors_waiting_max", self.cursors_waiting_max, CURSORS_WAITING_CEILING),
        ];
        ranges
            .into_iter()
            .filter(|&(_, value, ceiling)| value == 0 || value > ceiling)
            .map(|(name, value, ceiling)| format!("{name} = {value} is not between 1 and {ceiling}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_every_fault_is_told() {
        assert_eq!(Limits::default().faults(), Vec::<String>::new());
        let broken = Limits { frame_bytes_max: 100, history_count_max: 0, ..Limits::default() };
        let faults = broken.faults();
        assert_eq!(
            faults,
            [
                "content_bytes_max = 8192 is not between 1 and 100",
                "history_count_max = 0 is not between 1 and 1000",
            ]
        );
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<Limits>(r#"{"content_bytes_max": 10}"#).is_ok());
        assert!(serde_json::from_str::<Limits>(r#"{"content_max": 10}"#).is_err());
    }
}
