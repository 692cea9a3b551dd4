//! What a page of messages shows to its reader alone.

use std::collections::HashMap;

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{Message, MessageExtra};

use crate::store::{Error, Store, Stretch};

/// Marks the reader's own reactions, and leaves of what they had removed its place alone.
pub(crate) async fn of_reader(
    store: &dyn Store,
    reader: UserId,
    messages: &mut [&mut Message],
) -> Result<(), Error> {
    let mut stretches: HashMap<i64, Stretch> = HashMap::new();
    for message in messages.iter() {
        let Message { conversation, seq, .. } = **message;
        let stretch = Stretch { conversation, first: seq, last: seq };
        let stretch = stretches.entry(conversation).or_insert(stretch);
        (stretch.first, stretch.last) = (stretch.first.min(seq), stretch.last.max(seq));
    }
    let stretches: Vec<Stretch> = stretches.into_values().collect();
    let hidden = store.hidden_of(reader, &stretches).await?;
    let is_hidden = |message: &Message| hidden.contains(&(message.conversation, message.seq));
    for message in messages.iter_mut().filter(|message| is_hidden(message)) {
        message.content.clear();
        message.extra = Some(MessageExtra { hidden: true, ..MessageExtra::default() });
    }
    mark_own(store, reader, messages.iter_mut().map(|message| &mut **message)).await
}

/// Marks the reader's own reactions. Asks the store only when there are reactions.
pub(crate) async fn mark_own<'m>(
    store: &dyn Store,
    reader: UserId,
    messages: impl IntoIterator<Item = &'m mut Message>,
) -> Result<(), Error> {
    let has_reactions =
        |message: &&mut Message| message.extra.as_ref().is_some_and(|extra| !extra.reactions.is_empty());
    let mut messages: Vec<&mut Message> = messages.into_iter().filter(has_reactions).collect();
    if messages.is_empty() {
        return Ok(());
    }
    let places: Vec<(i64, i64)> =
        messages.iter().map(|message| (message.conversation, message.seq)).collect();
    let own = store.own_reactions(reader, &places).await?;
    for message in &mut messages {
        let place = (message.conversation, message.seq);
        let reactions = message.extra.iter_mut().flat_map(|extra| &mut extra.reactions);
        for reaction in reactions {
            reaction.mine =
                own.iter().any(|(room, seq, emoji)| (*room, *seq) == place && *emoji == reaction.emoji);
        }
    }
    Ok(())
}
