//! The ledger of a run: a file of JSON lines in the order in which things happened: whoever writes takes the time and the
//! place in the file in one step. What the lines say, and what proves them, is in `oort-ledger`.

pub(crate) mod options;
mod writer;

pub(crate) use oort_ledger::{Event, Line, Placed, Summary};
pub(crate) use options::{check, failure, lines};
pub(crate) use writer::Ledger;

#[cfg(test)]
mod tests {
    use oort_ledger::Checker;

    use super::*;

    #[test]
    fn a_ledger_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let ledger = Ledger::create(&path).unwrap();
        let message = || Placed { seq: 1, id: "a".to_owned() };
        let events = [
            (None, Event::Conversation { room: 0, base: 0 }),
            (Some(3), Event::Member { room: 0 }),
            (Some(3), Event::Send { room: 0, id: "a".to_owned() }),
            (Some(3), Event::Ack { room: 0, id: "a".to_owned(), seq: 1 }),
            (Some(3), Event::Live { room: 0, message: message() }),
            (None, Event::Stored { room: 0, account: Some(3), message: message() }),
            (Some(3), Event::Whole { room: 0, seq: 1 }),
        ];
        let mut checker = Checker::default();
        for (device, event) in events {
            ledger.write(device, event.clone());
            checker.read(Line { at_ns: 0, device, event });
        }
        let file = ledger.close().unwrap();
        let summary = check(&file).unwrap();
        assert_eq!(summary, checker.finish());
        assert_eq!((summary.acked, failure(&summary, &file).unwrap()), (1, None));
        std::fs::write(&path, "{\"at_ns\":1,\"event\":\"nonsense\"}\n").unwrap();
        assert!(check(&file).unwrap_err().to_string().contains("line 1"));
    }
}
