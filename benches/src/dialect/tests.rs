use super::*;

const ALL: [Dialect; 4] = [Dialect::PacketWs, Dialect::PacketTcp, Dialect::Json, Dialect::Centrifugo];

fn who() -> Who {
    Who { number: 41, room: Room::Main }
}

/// What a client saw, owned.
#[derive(Debug, Default, PartialEq)]
struct Saw {
    replies: Vec<Vec<u8>>,
    ready: usize,
    messages: Vec<(Mark, Option<u64>)>,
    behind: usize,
}

/// Reads a stream that arrives in these pieces, as a socket's owner does.
fn read(dialect: Dialect, pieces: &[&[u8]]) -> Result<Saw, Broken> {
    let mut stage = dialect.first_stage();
    let (mut saw, mut held) = (Saw::default(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let done = dialect.read(&mut stage, who, &held, &mut |event| match event {
            Event::Reply(bytes) => saw.replies.push(bytes.into_owned()),
            Event::Ready => saw.ready += 1,
            Event::Message { mark, server_seq } => saw.messages.push((mark, server_seq)),
            Event::Behind => saw.behind += 1,
            Event::Cursor(_) | Event::ComeAgain { .. } => {}
        })?;
        held.drain(..done);
    }
    assert!(held.is_empty(), "{dialect:?} leaves {held:?}");
    Ok(saw)
}

fn marks() -> Vec<Mark> {
    (0..3).map(|seq| Mark { stream: 1, seq, due_ns: 99 }).collect()
}

/// A whole conversation of a server that speaks the dialect.
fn conversation(dialect: Dialect) -> Vec<u8> {
    let mut bytes = Vec::new();
    if dialect.is_websocket() {
        let (response, _, taken) = accept_response(&dialect.opening(&who())).unwrap();
        assert_eq!(taken, dialect.opening(&who()).len());
        bytes.extend(response);
    }
    bytes.extend(dialect.welcome());
    let bodies: Vec<_> = marks().iter().map(|mark| mark.body(200)).collect();
    bytes.extend(dialect.shown(&bodies, 7));
    bytes
}

#[test]
fn a_stream_cut_anywhere_means_the_same() {
    for dialect in ALL {
        let bytes = conversation(dialect);
        let whole = read(dialect, &[&bytes]).unwrap();
        assert_eq!(whole.ready, 1, "{dialect:?}");
        assert_eq!(whole.messages.iter().map(|(mark, _)| *mark).collect::<Vec<_>>(), marks(), "{dialect:?}");
        for cut in 0..bytes.len() {
            assert_eq!(
                read(dialect, &[&bytes[..cut], &bytes[cut..]]),
                Ok(read(dialect, &[&bytes]).unwrap()),
                "{cut}"
            );
        }
        let bytewise: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(read(dialect, &bytewise).unwrap(), whole);
    }
}

#[test]
fn the_servers_seq_is_read() {
    let saw = read(Dialect::Json, &[&conversation(Dialect::Json)]).unwrap();
    assert_eq!(saw.messages.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [Some(7), Some(8), Some(9)]);
}

#[test]
fn a_client_says_who_it_is_and_a_server_can_read_it() {
    assert_eq!(Dialect::PacketTcp.asked_in(&Dialect::PacketTcp.opening(&who())), Some(41));
    for dialect in [Dialect::PacketWs, Dialect::Centrifugo] {
        let saw = read(dialect, &[&conversation(dialect)]).unwrap();
        assert_eq!(dialect.asked_in(&saw.replies[0]), Some(41), "{dialect:?}");
    }
    let opening = Dialect::Json.opening(&who());
    let (response, protocols, _) = accept_response(&opening).unwrap();
    assert_eq!(protocols, Some("oort.v1, bearer.k41"));
    assert!(String::from_utf8(response).unwrap().contains("Sec-WebSocket-Protocol: oort.v1\r\n"));
}

#[test]
fn pings_are_answered() {
    let mut bytes = conversation(Dialect::Json);
    bytes.extend(ws::unmasked(ws::PING, b"hi"));
    let saw = read(Dialect::Json, &[&bytes]).unwrap();
    assert_eq!(ws::unmask(&saw.replies[0]).unwrap(), b"hi");

    let mut bytes = conversation(Dialect::Centrifugo);
    bytes.extend(ws::unmasked(ws::TEXT, b"{}"));
    let saw = read(Dialect::Centrifugo, &[&bytes]).unwrap();
    assert_eq!(saw.replies.len(), 2, "the opening and the answer");
}

#[test]
fn being_behind_is_told() {
    let mut bytes = conversation(Dialect::Json);
    bytes.extend(ws::unmasked(ws::TEXT, br#"{"type":"behind","payload":{"rooms":[]}}"#));
    assert_eq!(read(Dialect::Json, &[&bytes]).unwrap().behind, 1);
}

#[test]
fn refusals_and_closes_are_told() {
    let refused = b"HTTP/1.1 503 Service Unavailable\r\n\r\n";
    assert!(matches!(read(Dialect::Json, &[refused]), Err(Broken::Refused(line)) if line.contains("503")));
    let no_accept = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    assert!(matches!(read(Dialect::Json, &[no_accept]), Err(Broken::Unreadable(_))));
    for dialect in [Dialect::PacketWs, Dialect::Json, Dialect::Centrifugo] {
        let mut bytes = conversation(dialect);
        bytes.extend(ws::unmasked(ws::CLOSE, &[&1013_u16.to_be_bytes()[..], b"full"].concat()));
        assert_eq!(read(dialect, &[&bytes]), Err(Broken::Closed { code: 1013, reason: "full".into() }));
    }
    assert!(read(Dialect::PacketTcp, &[&[0; 16]]).is_err());
    let (mut stage, error) = (Stage::Authenticating, br#"{"id":1,"error":{"code":101}}"#);
    assert!(centrifugo::read(&mut stage, error, &mut |_| {}).is_err());
}

#[test]
fn frames_of_every_length_are_read() {
    for length in [0, 1, 125, 126, 65_535, 65_536] {
        let payload = vec![b'y'; length];
        let bytes = ws::unmasked(ws::BINARY, &payload);
        for cut in [0, 1, 2, 3, 9].into_iter().filter(|cut| *cut < bytes.len()) {
            assert_eq!(ws::frame(&bytes[..cut]), Ok(None), "{length} cut at {cut}");
        }
        let (frame, taken) = ws::frame(&bytes).unwrap().unwrap();
        assert_eq!((frame.payload.len(), taken), (length, bytes.len()));
    }
}
