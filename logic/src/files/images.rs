//! What bytes are, and small pictures of images.

use std::io::Cursor;

use bytes::Bytes;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::config::Thumbnails;

/// Bytes at the start of a file that tell what it is.
pub(super) const SNIFFED_BYTES: usize = 8192;

/// Quality of thumbnails, of 100.
const QUALITY: u8 = 80;

/// What bytes are that begin so; empty = not known.
pub(super) fn sniff(start: &[u8]) -> &'static str {
    infer::get(start).map_or("", |found| found.mime_type())
}

/// What a browser may show by itself, as it is harmless: images without scripts.
pub(super) fn is_shown(mime: &str) -> bool {
    matches!(mime, "image/png" | "image/jpeg" | "image/webp" | "image/gif")
}

/// The type told to clients: of what a browser might run only that it is bytes.
pub(super) fn told(mime: &str) -> &str {
    let is_plain = is_shown(mime)
        || mime.starts_with("audio/")
        || mime.starts_with("video/")
        || matches!(mime, "application/pdf" | "application/zip" | "application/gzip");
    if is_plain { mime } else { "application/octet-stream" }
}

/// The format of an image that gets a thumbnail.
pub(super) fn format(mime: &str) -> Option<ImageFormat> {
    match mime {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// A small picture.
#[derive(Debug)]
pub(super) struct Thumbnail {
    pub(super) bytes: Bytes,
    pub(super) mime: &'static str,
    /// Of the image itself as it is shown, pixels.
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Makes a thumbnail: nothing of the image is in it but its pixels. Blocks the thread.
pub(super) fn thumbnail(bytes: &[u8], format: ImageFormat, config: &Thumbnails) -> Result<Thumbnail, String> {
    let fault = |cause: image::ImageError| cause.to_string();
    let mut limits = Limits::default();
    limits.max_alloc = Some(config.pixels_max.saturating_mul(8));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fault)?;
    // Before a pixel is unpacked: a few bytes may claim very many.
    let (width, height) = decoder.dimensions();
    if u64::from(width).saturating_mul(height.into()) > config.pixels_max {
        return Err(format!("{width} times {height} pixels are more than {}", config.pixels_max));
    }
    let orientation = decoder.orientation().map_err(fault)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(fault)?;
    if width.max(height) > config.edge_px {
        image = image.thumbnail(config.edge_px, config.edge_px);
    }
    image.apply_orientation(orientation);
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    let mut out = Cursor::new(Vec::new());
    let mime = if image.color().has_alpha() {
        DynamicImage::from(image.into_rgba8()).write_to(&mut out, ImageFormat::Png).map_err(fault)?;
        "image/png"
    } else {
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, QUALITY);
        image.into_rgb8().write_with_encoder(encoder).map_err(fault)?;
        "image/jpeg"
    };
    Ok(Thumbnail { bytes: out.into_inner().into(), mime, width, height })
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        image.into().write_to(&mut out, format).expect("encodes");
        out.into_inner()
    }

    #[test]
    fn images_are_made_small_and_keep_their_shape() {
        let plain = RgbImage::from_pixel(1000, 500, Rgb([9, 90, 200]));
        let clear = RgbaImage::from_pixel(200, 400, Rgba([9, 90, 200, 7]));
        for (bytes, sniffed, mime, size, small) in [
            (encoded(plain.clone(), ImageFormat::Png), "image/png", "image/jpeg", (1000, 500), (320, 160)),
            (encoded(plain, ImageFormat::Jpeg), "image/jpeg", "image/jpeg", (1000, 500), (320, 160)),
            (encoded(clear.clone(), ImageFormat::Png), "image/png", "image/png", (200, 400), (160, 320)),
            (encoded(clear, ImageFormat::WebP), "image/webp", "image/png", (200, 400), (160, 320)),
        ] {
            assert_eq!(sniff(&bytes), sniffed);
            let format = format(sniffed).expect("gets one");
            let made = thumbnail(&bytes, format, &Thumbnails::default()).expect("is one");
            assert_eq!((made.mime, (made.width, made.height)), (mime, size));
            let shown = image::load_from_memory(&made.bytes).expect("is an image");
            assert_eq!((shown.width(), shown.height()), small);
        }
    }

    #[test]
    fn what_is_small_stays_as_large_as_it_is() {
        let bytes = encoded(RgbImage::from_pixel(3, 2, Rgb([1, 2, 3])), ImageFormat::Png);
        let made = thumbnail(&bytes, ImageFormat::Png, &Thumbnails::default()).expect("is one");
        let shown = image::load_from_memory(&made.bytes).expect("is an image");
        assert_eq!((shown.width(), shown.height()), (3, 2));
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bytes = encoded(RgbImage::new(2000, 2000), ImageFormat::Png);
        let config = Thumbnails { pixels_max: 3_999_999, ..Thumbnails::default() };
        assert!(bytes.len() < 100_000);
        let refused = thumbnail(&bytes, ImageFormat::Png, &config).expect_err("is too large");
        assert!(refused.contains("pixels"), "{refused}");
        // One that claims more than it has.
        let mut claims = bytes;
        claims[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert!(thumbnail(&claims, ImageFormat::Png, &Thumbnails::default()).is_err());
    }

    #[test]
    fn what_a_browser_might_run_is_told_as_bytes() {
        for (bytes, sniffed, told_as) in [
            (&b"<!DOCTYPE html><script>alert(1)</script>"[..], "text/html", "application/octet-stream"),
            (b"<?xml version=\"1.0\"?><svg/>", "text/xml", "application/octet-stream"),
            (b"%PDF-1.7", "application/pdf", "application/pdf"),
            (b"plain text", "", "application/octet-stream"),
        ] {
            assert_eq!(sniff(bytes), sniffed);
            assert_eq!(told(sniffed), told_as);
            assert!(!is_shown(sniffed));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_image_or_a_fault(start in 0..3_usize, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];
            let mut all = encoded(RgbImage::new(4, 4), formats[start])[..20].to_vec();
            all.extend(bytes);
            drop(thumbnail(&all, formats[start], &Thumbnails::default()));
            let _ = sniff(&all);
        }
    }
}
