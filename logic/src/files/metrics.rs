//! What files count.

use oort_api::metrics::{Counter, Family, Registry};

/// Refusals by their reason.
pub(super) type ByReason = Family<[(&'static str, &'static str); 1], Counter>;

/// Counters of [`super::Files`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(super) bytes_received: Counter,
    pub(super) finished: Counter,
    pub(super) discarded: Counter,
    pub(super) thumbnails: Counter,
    pub(super) thumbnail_failures: Counter,
    pub(super) downloads: Counter,
    pub(super) stalled: Counter,
    pub(super) store_failures: Counter,
    pub(super) refused: ByReason,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let counters = [
            ("file_bytes_received", "Bytes of files that were stored", &metrics.bytes_received),
            ("files_finished", "Files that were uploaded whole", &metrics.finished),
            ("files_discarded", "Files whose bytes were deleted", &metrics.discarded),
            ("file_thumbnails", "Thumbnails that were made", &metrics.thumbnails),
            (
                "file_thumbnail_failures",
                "Images that got no thumbnail: too large, or not what they claim to be",
                &metrics.thumbnail_failures,
            ),
            ("file_downloads", "Downloads that began", &metrics.downloads),
            ("file_downloads_stalled", "Downloads ended as their reader took nothing", &metrics.stalled),
            (
                "file_store_failures",
                "Calls of the folder or bucket of files that failed: away, full, or too slow",
                &metrics.store_failures,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "files_refused",
            "Uploads and downloads refused, by reason: uploads, downloads, quota, size, stalled",
            metrics.refused.clone(),
        );
        metrics
    }

    pub(super) fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }
}
