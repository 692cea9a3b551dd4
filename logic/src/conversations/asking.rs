//! What the operator's hook says of sends before they are stored.

use oort_api::error::{Code, Refusal};
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::User;

use super::sends::Checked;
use super::{Conversations, not_found, not_member};
use crate::hooks::{Before, Question, Verdict};
use crate::store::NewMessage;

impl Conversations {
    /// Asks about all that is to be stored, in one call, and does as it says. What an earlier attempt stored is not
    /// asked about again; who is not in the conversation is refused here.
    pub(super) async fn ask(
        &self,
        before: &Before,
        sender: &User,
        checked: &mut [Checked],
        accepted: &mut [Vec<NewMessage>],
    ) {
        let all: Vec<&NewMessage> = accepted.iter().flatten().collect();
        let (Some(user), false) = (UserId::new(sender.id), all.is_empty()) else { return };
        let verdicts = match self.verdicts(before, user, &all).await {
            Ok(verdicts) => verdicts,
            Err(refusal) => vec![Err(refusal); all.len()],
        };
        let verdicts = verdicts.into_iter().map(|verdict| self.screened(verdict));
        apply(verdicts, checked, accepted);
    }

    async fn verdicts(
        &self,
        before: &Before,
        sender: UserId,
        all: &[&NewMessage],
    ) -> Result<Vec<Verdict>, Refusal> {
        let keys: Vec<(ConversationId, String)> =
            all.iter().map(|message| (message.conversation, message.client_msg_id.clone())).collect();
        let known = self.parts.store.askings(sender, &keys).await?;
        before.note_repeats(known.iter().filter(|asking| asking.is_stored).count());
        let (mut asked, mut questions) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        let mut strangers = Vec::new();
        for (index, (message, asking)) in all.iter().zip(known).enumerate() {
            if asking.kind.is_none() && !asking.is_stored {
                strangers.push((index, message));
            }
            let kind = asking.kind.filter(|&kind| !asking.is_stored && before.is_asked_about(kind));
            if let Some(kind) = kind {
                asked.push(index);
                questions.push(Question::of(message, kind));
            }
        }
        let mut verdicts = vec![Ok(None); all.len()];
        for (index, message) in strangers {
            verdicts[index] = Err(self.stranger(sender, message.conversation).await?);
        }
        for (index, verdict) in asked.into_iter().zip(before.ask(&questions).await) {
            verdicts[index] = verdict;
        }
        Ok(verdicts)
    }

    /// Why somebody may not send there. It is not left to the store: they may have come in by then, and nobody was asked.
    async fn stranger(&self, sender: UserId, conversation: ConversationId) -> Result<Refusal, Refusal> {
        Ok(match self.parts.store.conversation(conversation, sender).await? {
            Some((_, true)) => Refusal::new(Code::Unavailable, "you came in a moment ago; send it again"),
            Some((_, false)) => not_member(),
            None => not_found(),
        })
    }

    /// What is put in place of a text is no more to have the words that are not to be said than the text itself.
    fn screened(&self, verdict: Verdict) -> Verdict {
        match verdict? {
            Some(mut content) => self.parts.words.screen(&mut content).map(|()| Some(content)),
            None => Ok(None),
        }
    }
}

/// Does as the verdicts say, one for each accepted message. What is refused is taken out; the order of the others stays.
fn apply(
    mut verdicts: impl Iterator<Item = Verdict>,
    checked: &mut [Checked],
    accepted: &mut [Vec<NewMessage>],
) {
    for (checked, accepted) in checked.iter_mut().zip(accepted) {
        let mut slots = checked.iter_mut().filter(|(_, outcome)| outcome.is_ok());
        accepted.retain_mut(|message| {
            let slot = slots.next();
            match verdicts.next() {
                Some(Ok(Some(content))) if content != message.content => {
                    message.written = Some(std::mem::replace(&mut message.content, content));
                    true
                }
                Some(Ok(_)) | None => true,
                Some(Err(refusal)) => {
                    if let Some((_, outcome)) = slot {
                        *outcome = Err(refusal);
                    }
                    false
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use oort_api::Code;

    use super::*;

    fn message(id: &str) -> NewMessage {
        NewMessage {
            conversation: ConversationId::new(1).expect("positive"),
            sender: User { id: 1, username: "ann".to_owned() },
            client_msg_id: id.to_owned(),
            content: format!("text {id}"),
            written: None,
            details: None,
            traceparent: String::new(),
        }
    }

    #[test]
    fn each_verdict_is_of_its_message_and_the_order_stays() {
        let refusal = |code| Refusal::new(code, "no");
        let fine = |id: &str| (id.to_owned(), Ok(()));
        let empty = ("b".to_owned(), Err(refusal(Code::InvalidField)));
        let mut checked = [vec![fine("a"), empty, fine("c")], vec![], vec![fine("d"), fine("e"), fine("f")]];
        let of = |ids: &[&str]| ids.iter().map(|id| message(id)).collect::<Vec<_>>();
        let mut accepted = [of(&["a", "c"]), vec![], of(&["d", "e", "f"])];
        let verdicts = [
            Err(refusal(Code::Rejected)),
            Ok(None),
            Ok(Some("other".to_owned())),
            Err(refusal(Code::Rejected)),
            Ok(Some("text f".to_owned())),
        ];
        apply(verdicts.into_iter(), &mut checked, &mut accepted);
        let kept: Vec<(&str, &str, Option<&str>)> = accepted
            .iter()
            .flatten()
            .map(|one| (one.client_msg_id.as_str(), one.content.as_str(), one.written.as_deref()))
            .collect();
        assert_eq!(kept, [("c", "text c", None), ("d", "other", Some("text d")), ("f", "text f", None)]);
        let codes: Vec<Option<Code>> = checked
            .iter()
            .flatten()
            .map(|(_, outcome)| outcome.as_ref().err().map(|refusal| refusal.code))
            .collect();
        let rejected = Some(Code::Rejected);
        assert_eq!(codes, [rejected, Some(Code::InvalidField), None, None, rejected, None]);
    }
}
