//! More partitions for a topic, in Kafka's own words: the load needs no client library for one request.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// CreatePartitions, in the version without tagged fields.
const API_KEY: i16 = 37;
const API_VERSION: i16 = 1;
/// Longest time that Kafka may take, and that is waited for an answer.
const TIMEOUT_MS: i32 = 10_000;
const ANSWER: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: usize = 1 << 16;

/// Lets `topic` have `count` partitions, which are more than it has.
pub(crate) async fn grow(broker: &str, topic: &str, count: i32) -> anyhow::Result<()> {
    let asked = async {
        let mut stream = TcpStream::connect(broker).await?;
        stream.write_all(&request(topic, count)?).await?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).await?;
        let length = usize::try_from(i32::from_be_bytes(length))?;
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).await?;
        let code = error_code(&answer).context("an answer that is too short")?;
        ensure!(code == 0, "Kafka refuses {count} partitions of {topic}: error {code}");
        Ok(())
    };
    tokio::time::timeout(ANSWER, asked).await.context("Kafka does not answer")?
}

fn request(topic: &str, count: i32) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    body.extend(API_KEY.to_be_bytes());
    body.extend(API_VERSION.to_be_bytes());
    // Correlation id; client id.
    body.extend(1_i32.to_be_bytes());
    string(&mut body, "oort-bench")?;
    // One topic, without assignments: Kafka chooses.
    body.extend(1_i32.to_be_bytes());
    string(&mut body, topic)?;
    body.extend(count.to_be_bytes());
    body.extend((-1_i32).to_be_bytes());
    body.extend(TIMEOUT_MS.to_be_bytes());
    body.push(0);
    let mut framed = i32::try_from(body.len())?.to_be_bytes().to_vec();
    framed.extend(body);
    Ok(framed)
}

fn string(to: &mut Vec<u8>, text: &str) -> anyhow::Result<()> {
    to.extend(i16::try_from(text.len())?.to_be_bytes());
    to.extend(text.as_bytes());
    Ok(())
}

/// Of the only result: after the correlation id, the time of throttling, the count of results and the name.
fn error_code(answer: &[u8]) -> Option<i16> {
    let (_, rest) = answer.split_at_checked(12)?;
    let (name_length, rest) = rest.split_first_chunk::<2>()?;
    let name_length = usize::try_from(i16::from_be_bytes(*name_length)).ok()?;
    let (_, rest) = rest.split_at_checked(name_length)?;
    Some(i16::from_be_bytes(*rest.first_chunk::<2>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_have_kafkas_form() {
        let framed = request("top", 6).unwrap();
        assert_eq!(framed[..4], i32::try_from(framed.len() - 4).unwrap().to_be_bytes());
        assert_eq!(framed[4..8], [0, 37, 0, 1]);
        assert_eq!(framed[framed.len() - 13..], [0, 0, 0, 6, 255, 255, 255, 255, 0, 0, 0x27, 0x10, 0]);
        let answer = [&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3][..], b"top", &[0, 37, 255, 255]].concat();
        assert_eq!(error_code(&answer), Some(37));
        assert_eq!(error_code(&answer[..12]), None);
    }
}
