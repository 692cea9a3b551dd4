//! What must hold for any record on the bus. Called by the fuzz target and by the test that replays its seeds.

use bytes::Bytes;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_job::fuzzing::bus_record;
use prost::Message as _;

const BYTES_MAX: usize = 300;

/// Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    let value = Bytes::copy_from_slice(data);
    let Ok(push) = bus_record(value, BYTES_MAX) else { return };
    assert!(data.len() <= BYTES_MAX);
    assert!(push.seq >= 0 && push.conversation >= 0 && (push.seq == 0 || push.conversation > 0));
    let is_to_users = push.r#type() == Type::Push;
    assert!(!is_to_users || push.user_ids.iter().all(|&id| id > 0));
    let written = Bytes::from(push.encode_to_vec());
    assert_eq!(bus_record(written, usize::MAX).as_ref(), Ok(&push), "read as it was written");
}
