//! The shortest story of a broken promise: the lines that concern one message, hop by hop.

use std::collections::VecDeque;
use std::fmt::Write as _;

use super::line::{Event, Line};
use super::violation::Violation;

/// Lines of a story.
const LINES_MAX: usize = 60;
/// Steps before each of them that are told.
const CONTEXT: usize = 3;

/// Tells what `lines` say about the message of `violation`: first who sent it and where it was seen, then what the device
/// that missed it did.
pub fn tell(violation: &Violation, lines: impl IntoIterator<Item = Line>) -> String {
    let mut story = format!("{violation}\n");
    let mut told = 0;
    let mut start = None;
    let mut waiting: VecDeque<(usize, Line)> = VecDeque::with_capacity(CONTEXT);
    for (number, line) in (1..).zip(lines) {
        start.get_or_insert(line.at_ns);
        let is_device = violation.device.is_some() && line.device == violation.device;
        let is_room = line.event.room().is_none_or(|room| room == violation.room);
        let is_message = is_room && line.event.concerns(violation.seq, violation.id.as_deref());
        let is_fault = matches!(line.event, Event::Fault { .. });
        let is_step = is_device && is_room && !matches!(line.event, Event::Live { .. } | Event::Page { .. });
        if is_message {
            // What was broken and what the device did just before it is part of the story.
            for (number, line) in waiting.drain(..) {
                tell_line(&mut story, number, &line, start, &mut told);
            }
            tell_line(&mut story, number, &line, start, &mut told);
        } else if is_step || is_fault {
            if waiting.len() == CONTEXT {
                waiting.pop_front();
            }
            waiting.push_back((number, line));
        }
        if told >= LINES_MAX {
            story.push_str("  … and more\n");
            return story;
        }
    }
    for (number, line) in waiting {
        tell_line(&mut story, number, &line, start, &mut told);
    }
    story
}

fn tell_line(story: &mut String, number: usize, line: &Line, start: Option<u64>, told: &mut usize) {
    *told += 1;
    let passed_ms = line.at_ns.saturating_sub(start.unwrap_or_default()) / 1_000_000;
    let who = line.device.map_or_else(|| "        -".to_owned(), |device| format!("device {device:>2}"));
    // A String takes every byte.
    let _ = writeln!(story, "  {passed_ms:>9} ms  line {number:>8}  {who}  {}", words(&line.event));
}

fn words(event: &Event) -> String {
    match event {
        Event::Send { id, .. } => format!("sends {id}"),
        Event::Ack { id, seq, .. } => format!("is told: {id} is stored as seq {seq}"),
        Event::Refused { id, code, .. } => format!("is told: {id} is refused ({code})"),
        Event::Connecting => "connects".to_owned(),
        Event::Hello { heads } => format!("is greeted with {} heads", heads.len()),
        Event::Live { message, .. } => format!("gets seq {} ({}) by itself", message.seq, message.id),
        Event::Behind { head, .. } => format!("is told that it is behind (head {head})"),
        Event::Asked { after: Some(after), .. } => format!("asks for what is newer than seq {after}"),
        Event::Asked { after: None, .. } => "asks for the newest page".to_owned(),
        Event::Page { messages, more, head, .. } => {
            let span = messages.first().zip(messages.last());
            let span = span.map_or_else(
                || "an empty page".to_owned(),
                |(first, last)| format!("a page, seq {} to {}", first.seq, last.seq),
            );
            format!("gets {span}; more: {more}, head {head}")
        }
        Event::Closed => "loses its connection".to_owned(),
        Event::Whole { seq, .. } => format!("claims to have everything up to seq {seq}"),
        Event::Unread { read, head, unread, .. } => {
            format!("is told: {unread} unread (read {read}, head {head})")
        }
        Event::Stored { message, .. } => format!("the store holds seq {} ({})", message.seq, message.id),
        Event::Fault { what } => format!("FAULT: {what}"),
        Event::Conversation { base, .. } => format!("the conversation begins after seq {base}"),
        Event::Member { .. } => "is a member".to_owned(),
    }
}
