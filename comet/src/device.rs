//! What a client is on, and whether it is near, as it says.

use oort_api::directory::AWAY;

/// The kinds of devices: those of log-ins. The first is that of who does not say.
const KINDS: [&str; 5] = ["web", "phone", "tablet", "desktop", "other"];
/// Beside the kind: it is left alone.
const LEFT_ALONE: u8 = 0x80;

/// The device of a JSON client, in a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Device(u8);

impl Device {
    /// Out of the query of the request to connect: `device=phone`. It is near.
    pub(crate) fn of_query(query: &str) -> Self {
        let name = query.split('&').find_map(|pair| pair.strip_prefix("device="));
        let kind = KINDS.iter().position(|kind| name == Some(*kind)).unwrap_or_default();
        Self(u8::try_from(kind).unwrap_or_default())
    }

    /// The same device, left alone or not.
    pub(crate) fn away(self, is_away: bool) -> Self {
        Self(self.0 & !LEFT_ALONE | if is_away { LEFT_ALONE } else { 0 })
    }

    /// As the directory has it.
    pub(crate) fn platform(self) -> String {
        let kind = KINDS.get(usize::from(self.0 & !LEFT_ALONE)).copied().unwrap_or(KINDS[0]);
        let away = if self.0 & LEFT_ALONE == 0 { "" } else { AWAY };
        format!("{kind}{away}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_what_its_client_says_it_is() {
        let phone = Device::of_query("since=x&device=phone");
        assert_eq!((phone.platform(), phone.away(true).platform()), ("phone".into(), "phone;away".into()));
        assert_eq!((phone.away(true).away(false), phone.away(false)), (phone, phone));
        for none in ["", "device=", "device=PHONE", "device=web;away", "x=phone"] {
            assert_eq!(Device::of_query(none).platform(), "web", "{none}");
        }
    }
}
