//! The builder's part about the registry.

use super::Builder;
use crate::registry::Texts;
use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;

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
