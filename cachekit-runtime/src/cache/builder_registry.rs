//! The builder's part about the registry.

use super::Builder;
use crate::registry::Texts;
use serde::{Serialize, de::DeserializeOwned};
use std::{any::Any, sync::Arc};

impl<K: 'static, V: 'static> Builder<K, V> {
    /// Lets the [registry](crate::registry) write keys and values as text, and find keys by it. Annotated functions do so by themselves where serde knows
    /// their types.
    pub fn readable(self) -> Self
    where
        K: Serialize + DeserializeOwned,
        V: Serialize,
    {
        self.texts(Texts::<K, V>::all())
    }

    /// What the [registry](crate::registry) says of each value in a few words, also to who may not see values: so nothing that is anybody's data.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::{Cache, registry::{self, Values}};
    ///
    /// let pages: Cache<u64, String> =
    ///     Cache::builder().name("described").readable().described_by(|page: &String| format!("{} bytes", page.len())).build();
    /// pages.insert(1, "<p>".to_owned());
    /// let cache = registry::find("described").ok_or("it is there")?;
    /// let entry = &cache.entries(None, 1, Values::Hidden).entries[0];
    /// assert_eq!((entry.about.as_deref(), &entry.value), (Some("3 bytes"), &None));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn described_by(mut self, about: impl Fn(&V) -> String + Send + Sync + 'static) -> Self {
        self.settings.registry.about = Some(Arc::new(about));
        self
    }

    /// As [`readable`](Self::readable), as far as types are known that may be those of the cache.
    #[doc(hidden)]
    pub fn texts<NamedK: 'static, NamedV: 'static>(mut self, texts: Texts<NamedK, NamedV>) -> Self {
        let texts: &dyn Any = &texts;
        if let Some(texts) = texts.downcast_ref::<Texts<K, V>>() {
            self.settings.registry.texts = *texts;
        }
        self
    }

    /// Where the name does not tell it from others: what the registry calls it.
    #[doc(hidden)]
    pub fn registered_as(mut self, name: String) -> Self {
        self.settings.registry.name = Some(name);
        self
    }
}
