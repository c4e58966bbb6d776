//! The fields of an entry as they were given last: within one second all hits get the same ones.

use http::HeaderMap;
use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

/// See the [module](self). It is no part of what an entry is: a copy begins with none, and all are equal.
#[derive(Default)]
pub(crate) struct Given(RwLock<Option<(Moment, HeaderMap)>>);

/// What of the time is in the fields: the age, and the seconds of freshness that are left.
pub(crate) type Moment = (u64, i64);

impl Given {
    /// Those of the moment. Two threads that make them at once make the same.
    pub(crate) fn at(&self, moment: Moment, make: impl FnOnce() -> HeaderMap) -> HeaderMap {
        if let Some((of, fields)) = &*self.0.read().unwrap_or_else(PoisonError::into_inner)
            && *of == moment
        {
            return fields.clone();
        }
        let fields = make();
        // Whoever would have to wait has no need of it.
        if let Ok(mut given) = self.0.try_write() {
            *given = Some((moment, fields.clone()));
        }
        fields
    }
}

impl Clone for Given {
    fn clone(&self) -> Self {
        Given::default()
    }
}

impl PartialEq for Given {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Given {}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header};
    use std::cell::Cell;

    #[test]
    fn fields_are_made_once_for_each_moment() {
        let (given, made) = (Given::default(), Cell::new(0));
        let age = |moment: Moment| {
            let fields = given.at(moment, || {
                made.set(made.get() + 1);
                HeaderMap::from_iter([(header::AGE, HeaderValue::from(moment.0))])
            });
            fields[header::AGE].to_str().unwrap().to_owned()
        };
        for (moment, expected, times) in [((1, 9), "1", 1), ((1, 9), "1", 1), ((2, 8), "2", 2), ((2, 7), "2", 3)] {
            assert_eq!((age(moment).as_str(), made.get()), (expected, times), "{moment:?}");
        }
        assert_eq!(given.clone(), given);
        given.clone().at((2, 7), || {
            made.set(0);
            HeaderMap::new()
        });
        assert_eq!(made.get(), 0, "a copy has none");
    }
}
