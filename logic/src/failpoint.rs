//! Named points where a test makes this process die. Without the feature
//! `failpoints` nothing of this is compiled in but empty calls.
//!
//! | name | where |
//! |---|---|
//! | `after_commit_before_publish` | a batch is committed; its sender was not answered, and the bus has nothing of it |

/// Reached when a batch is committed and before the publisher knows of it.
pub const AFTER_COMMIT_BEFORE_PUBLISH: &str = "after_commit_before_publish";

#[cfg(feature = "failpoints")]
pub use armed::{Failpoints, faults};

/// The points that are armed: none in this build.
#[cfg(not(feature = "failpoints"))]
#[derive(Debug, Clone, Default)]
pub struct Failpoints;

#[cfg(not(feature = "failpoints"))]
impl Failpoints {
    /// Does nothing in this build.
    #[inline]
    pub fn hit(&self, _name: &'static str) {}
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The points that are armed.
    #[derive(Debug, Clone, Default)]
    pub struct Failpoints(Arc<[Armed]>);

    #[derive(Debug)]
    struct Armed {
        name: &'static str,
        hits_left: AtomicU32,
    }

    impl Failpoints {
        /// Arms points by settings such as `name=abort` and `name=3*abort`.
        ///
        /// # Errors
        /// What is wrong with the first setting that is.
        pub fn armed(settings: &[String]) -> Result<Self, String> {
            settings
                .iter()
                .map(|setting| parse(setting))
                .collect::<Result<Vec<_>, _>>()
                .map(|all| Self(all.into()))
        }

        /// Aborts the process when the point is armed and its turn has come.
        pub fn hit(&self, name: &'static str) {
            for armed in self.0.iter().filter(|armed| armed.name == name) {
                if armed.hits_left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    tracing::error!(failpoint = name, "aborting");
                    std::process::abort();
                }
            }
        }
    }

    /// What is wrong with the settings.
    pub fn faults(settings: &[String]) -> Vec<String> {
        settings.iter().filter_map(|setting| parse(setting).err()).collect()
    }

    fn parse(setting: &str) -> Result<Armed, String> {
        let wrong =
            || format!("failpoints: {setting:?} is not `name=abort` or `name=N*abort` of a known name");
        let (name, action) = setting.split_once('=').ok_or_else(wrong)?;
        if name != super::AFTER_COMMIT_BEFORE_PUBLISH {
            return Err(wrong());
        }
        let hits = match action.split_once('*') {
            None if action == "abort" => 1,
            Some((count, "abort")) => count.parse().ok().filter(|&count| count > 0).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        Ok(Armed { name: super::AFTER_COMMIT_BEFORE_PUBLISH, hits_left: AtomicU32::new(hits) })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_known_names_and_actions_are_armed() {
            let fine = ["after_commit_before_publish=abort", "after_commit_before_publish=3*abort"];
            assert_eq!(faults(&fine.map(str::to_owned)), Vec::<String>::new());
            let wrong = ["after=abort", "after_commit_before_publish=0*abort", "after_commit_before_publish"];
            assert_eq!(faults(&wrong.map(str::to_owned)).len(), 3);
        }
    }
}
