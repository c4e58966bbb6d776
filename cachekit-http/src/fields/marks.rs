//! Which of the fields that matter to a cache a request has, by one walk over all of them: most requests have none.

use http::{HeaderMap, header};

/// Which of these fields a request has, or several of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// `Upgrade`, which counts where `Connection` names it.
    pub has_upgrade: bool,
    /// A condition that only the handler can answer: `If-Match` or `If-Unmodified-Since`.
    pub guards_a_state: bool,
    /// What makes something else of a 200: `If-None-Match`, `If-Modified-Since` or `Range`.
    pub asks_for_less: bool,
}

impl Marks {
    /// Those of a request.
    #[must_use]
    pub fn of(request: &HeaderMap) -> Self {
        let mut marks = Marks::default();
        for name in request.keys() {
            match *name {
                header::UPGRADE => marks.has_upgrade = true,
                header::IF_MATCH | header::IF_UNMODIFIED_SINCE => marks.guards_a_state = true,
                header::IF_NONE_MATCH | header::IF_MODIFIED_SINCE | header::RANGE => marks.asks_for_less = true,
                _ => {}
            }
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn each_field_has_its_mark() {
        let of = |name: http::HeaderName| Marks::of(&HeaderMap::from_iter([(name, HeaderValue::from_static("x"))]));
        let none = Marks::default();
        for name in [header::HOST, header::ACCEPT, header::IF_RANGE, header::CONNECTION] {
            assert_eq!(of(name.clone()), none, "{name}");
        }
        assert_eq!(of(header::UPGRADE), Marks { has_upgrade: true, ..none });
        for name in [header::IF_MATCH, header::IF_UNMODIFIED_SINCE] {
            assert_eq!(of(name.clone()), Marks { guards_a_state: true, ..none }, "{name}");
        }
        for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::RANGE] {
            assert_eq!(of(name.clone()), Marks { asks_for_less: true, ..none }, "{name}");
        }
    }
}
