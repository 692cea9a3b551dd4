//! Files: announced, uploaded from where the upload stands, read whole or in part.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::FileId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::door::Door;
use super::input::{Json, Path, check_plain, idempotency_key};
use super::ranges::{Wanted, wanted};
use super::refused::Refused;
use crate::files::{Announced, Content};
use crate::store::{FileState, StoredFile};

/// Path of the bytes, whose requests last longer than others.
pub(super) const CONTENT_PATH: &str = "/api/files/{id}/content";

/// Where in the file the bytes of a request begin, as tus has it.
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// Bytes of a refused body that are read all the same: a connection closed with unread bytes is reset, and the refusal
/// lost with it.
const READ_TO_REFUSE: usize = 4 << 20;

/// All of it.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(state, remove))
        .routes(routes!(append, content))
        .routes(routes!(thumbnail))
}

/// A file to upload.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewFile {
    /// What it is called: 1 to 255 characters, no path.
    name: String,
    /// Its bytes.
    size: u64,
    /// SHA-256 of it, 64 hexadecimal digits: then what arrives is held against it.
    sha256: Option<String>,
}

/// A file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = File)]
pub(super) struct FileView {
    id: String,
    name: String,
    /// Bytes.
    size: u64,
    /// Bytes that are stored: where the upload goes on.
    offset: u64,
    /// Bytes stored together: a request with so many loses nothing when it is cut off behind them.
    part_bytes: u64,
    /// `uploading` or `ready`.
    state: &'static str,
    /// What its bytes are, once it is ready and if that is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    mime: String,
    /// Of an image, pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Of an image, pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// It has a thumbnail.
    has_thumbnail: bool,
    /// ms since the epoch.
    created_at_ms: i64,
}

impl From<StoredFile> for FileView {
    fn from(file: StoredFile) -> Self {
        let of_image = |pixels: u32| (pixels > 0).then_some(pixels);
        Self {
            id: file.id.to_string(),
            size: file.size,
            offset: file.received,
            part_bytes: file.part_bytes,
            state: if file.state == FileState::Ready { "ready" } else { "uploading" },
            width: of_image(file.finished.width),
            height: of_image(file.finished.height),
            has_thumbnail: !file.finished.thumbnail.is_empty(),
            mime: file.finished.mime,
            name: file.name,
            created_at_ms: file.created_at_ms,
        }
    }
}

/// Announces a file; with the header `Idempotency-Key` once. Its bytes are sent then.
#[utoipa::path(post, path = "/api/files", operation_id = "createFile", tag = "files", request_body = NewFile,
    params(("idempotency-key" = Option<String>, Header, description = "The client's own name for this request")),
    responses((status = 201, description = "The upload begins", body = FileView)))]
pub(super) async fn create(
    State(door): State<Arc<Door>>,
    caller: Caller,
    headers: HeaderMap,
    Json(new): Json<NewFile>,
) -> Result<(StatusCode, JsonReply<FileView>), Refused> {
    let digest = new.sha256.as_deref().map(digest).transpose()?;
    let announced = Announced { name: new.name, size: new.size, digest };
    let file = door.app.files.create(caller.id, announced, idempotency_key(&headers)?).await?;
    Ok((StatusCode::CREATED, JsonReply(file.into())))
}

/// Tells how far an upload is, and what a file is.
#[utoipa::path(get, path = "/api/files/{id}", operation_id = "file", tag = "files",
    params(("id" = String, Path, description = "The file")),
    responses((status = 200, description = "The file", body = FileView)))]
pub(super) async fn state(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<FileId>,
) -> Result<JsonReply<FileView>, Refused> {
    Ok(JsonReply(door.app.files.of_reader(caller.id, id).await?.into()))
}

/// Deletes a file of the caller's that no message carries, also one that is not whole.
#[utoipa::path(delete, path = "/api/files/{id}", operation_id = "deleteFile", tag = "files",
    params(("id" = String, Path, description = "The file")),
    responses((status = 204, description = "Gone")))]
pub(super) async fn remove(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<FileId>,
) -> Result<StatusCode, Refused> {
    door.app.files.delete(caller.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends bytes, from where the upload stands: as many as one likes at a time. Whole parts are kept when the body breaks
/// off. With the last byte the file is ready.
#[utoipa::path(patch, path = "/api/files/{id}/content", operation_id = "uploadFile", tag = "files",
    params(("id" = String, Path, description = "The file"),
        ("upload-offset" = u64, Header, description = "Bytes before these; as many as are stored")),
    request_body(content = String, content_type = "application/offset+octet-stream"),
    responses((status = 200, description = "The file as it is then", body = FileView)))]
pub(super) async fn append(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<FileId>,
    request: Request,
) -> Result<JsonReply<FileView>, Refused> {
    check_plain(request.headers())?;
    let offset = request.headers().get(UPLOAD_OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
    let offset = offset
        .ok_or_else(|| Refused::new(Code::InvalidField, "upload-offset: the bytes before these, from 0"))?;
    let mut body = request.into_body().into_data_stream();
    match door.app.files.append(caller.id, id, offset, &mut body).await {
        Ok(file) => Ok(JsonReply(file.into())),
        Err(refusal) => {
            pass_over(&mut body).await;
            Err(refusal.into())
        }
    }
}

async fn pass_over(body: &mut BodyDataStream) {
    let mut read = 0_usize;
    while let Some(Ok(bytes)) = body.next().await {
        read = read.saturating_add(bytes.len());
        if read > READ_TO_REFUSE {
            return;
        }
    }
}

/// The bytes of a file, for its owner and for members of conversations in which a message carries it. All of them, or a
/// `Range`.
#[utoipa::path(get, path = "/api/files/{id}/content", operation_id = "fileContent", tag = "files",
    params(("id" = String, Path, description = "The file"),
        ("range" = Option<String>, Header, description = "One range of bytes"),
        ("if-range" = Option<String>, Header, description = "The range, if the ETag is this; else all"),
        ("if-none-match" = Option<String>, Header, description = "304 if the ETag is this")),
    responses((status = 200, description = "All of it", content_type = "application/octet-stream", body = String),
        (status = 206, description = "The range", content_type = "application/octet-stream", body = String),
        (status = 304, description = "As the caller has it"),
        (status = 416, description = "It has no such bytes; Content-Range says how many it has")))]
pub(super) async fn content(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<FileId>,
    request: Request,
) -> Result<Response, Refused> {
    let content = door.app.files.content(caller.id, id).await?;
    let (size, etag) = (content.file.size, content.etag());
    let (status, range) = match wanted(request.headers(), size, &etag) {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => return Ok((StatusCode::NOT_MODIFIED, about(&content)?).into_response()),
        Wanted::None => {
            let refused =
                Refused::new(Code::RangeNotSatisfiable, format!("the file has {size} bytes")).into_response();
            return Ok(([(CONTENT_RANGE, format!("bytes */{size}"))], refused).into_response());
        }
    };
    let mut headers = about(&content)?;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        headers.insert(CONTENT_RANGE, header(&text)?);
    }
    // Nobody reads the body of an answer to HEAD.
    let body = if request.method() == http::Method::HEAD {
        Body::empty()
    } else {
        Body::from_stream(door.app.files.read(content.file, range).await?)
    };
    Ok((status, headers, body).into_response())
}

/// The small picture of an image.
#[utoipa::path(get, path = "/api/files/{id}/thumbnail", operation_id = "fileThumbnail", tag = "files",
    params(("id" = String, Path, description = "The file")),
    responses((status = 200, description = "JPEG or PNG", content_type = "image/jpeg", body = String),
        (status = 304, description = "As the caller has it")))]
pub(super) async fn thumbnail(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<FileId>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (file, bytes) = door.app.files.thumbnail(caller.id, id).await?;
    let mime = file.finished.thumbnail.clone();
    let content = Content { file, mime, is_shown: true };
    let answer = about(&content)?;
    if wanted(&headers, bytes.len() as u64, &content.etag()) == Wanted::Nothing {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    Ok((answer, bytes).into_response())
}

/// What is said about bytes that somebody uploaded: a browser keeps to the type, runs nothing of them, and shows only
/// images by itself. They may be kept, but whether they may still be read is asked each time.
fn about(content: &Content) -> Result<HeaderMap, Refused> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, header(&content.mime)?);
    let way = if content.is_shown { "inline" } else { "attachment" };
    let name = encoded(&content.file.name);
    headers.insert(CONTENT_DISPOSITION, header(&format!("{way}; filename*=UTF-8''{name}"))?);
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, header(&content.etag())?);
    Ok(headers)
}

fn header(text: &str) -> Result<HeaderValue, Refused> {
    HeaderValue::from_str(text).map_err(|_| Refused(Refusal::new(Code::Internal, "internal error")))
}

/// As RFC 8187 has it: every byte but letters and digits by its number.
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn digest(text: &str) -> Result<[u8; 32], Refused> {
    let wrong = || Refused::new(Code::InvalidField, "sha256: 64 hexadecimal digits");
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_a_header() {
        assert_eq!(encoded("a b\"\r\n.png"), "a%20b%22%0D%0A.png");
        assert_eq!(encoded("写.png"), "%E5%86%99.png");
    }

    #[test]
    fn digests() {
        assert!(digest(&"0a".repeat(32)).is_ok_and(|digest| digest == [10; 32]));
        for bad in ["", "0a", &"0g".repeat(32), &"é".repeat(32), &"+a".repeat(32)] {
            assert!(digest(bad).is_err(), "{bad}");
        }
    }
}
