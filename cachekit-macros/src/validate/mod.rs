//! Judges what is readable but wrong: one small function per check, all of them named in the lists here.

mod batch;
mod companion;
mod far;
mod freshness;
#[cfg(feature = "axum")]
mod http;
mod invalidation;
mod key;
mod outcome;
mod parts;
mod shape;
mod store;

pub(crate) use invalidation::invalidation;

use crate::diagnostics::Errors;
use crate::model::{BlockItem, Given, ImplModel, Model};

type Check = fn(&Model, &Given, &mut Errors);

const CHECKS: &[Check] = &[
    shape::qualifiers,
    shape::impl_parameters,
    shape::returns_something,
    shape::returns_a_named_type,
    shape::returns_nothing_borrowed,
    shape::not_main,
    key::mut_self,
    key::self_is_accounted_for,
    key::skips_whole_parameters,
    key::skip_or_key,
    key::mentions_something,
    key::parameters_are_accounted_for,
    parts::few_parts,
    parts::no_repeated_parts,
    parts::no_floats,
    parts::no_mut_references,
    parts::no_lost_borrows,
    store::strategy_evicts,
    store::one_bound,
    store::weigher_weighs,
    store::several_entries,
    store::configured_elsewhere,
    far::features_are_on,
    far::bytes_somewhere,
    far::memory_somewhere,
    far::lock_is_shared,
    far::near_within_ttl,
    far::instances_have_a_name,
    far::failures_need_a_result,
    freshness::needs_ttl,
    freshness::refresh_has_something_to_do,
    freshness::within_ttl,
    freshness::load_timeout,
    freshness::single_flight,
    freshness::refresh_owns_its_parameters,
    freshness::outlives_no_lone_method,
    outcome::errors_need_a_result,
    outcome::none_needs_an_option,
    outcome::hard_timeouts_need_a_result,
    batch::of_needs_batch,
    batch::ids_are_there,
    batch::configured_by_the_single,
    batch::makes_sense_per_element,
    batch::refreshes_inline,
    batch::runs_twice,
    batch::has_a_place,
    companion::only_functions_name_it,
    companion::hides_no_type,
    companion::method_says_something,
    #[cfg(feature = "axum")]
    http::has_an_effect,
];

/// Of a handler whose responses are cached.
#[cfg(feature = "axum")]
const HTTP_CHECKS: &[Check] = &[
    shape::qualifiers,
    shape::impl_parameters,
    shape::not_main,
    far::features_are_on,
    http::is_a_handler,
    http::has_an_effect,
    http::states_are_told_apart,
];

/// An annotated function.
pub(crate) fn function(model: &Model, given: &Given, errors: &mut Errors) {
    #[cfg(feature = "axum")]
    if model.http.is_some() {
        HTTP_CHECKS.iter().for_each(|check| check(model, given, errors));
        return;
    }
    for check in CHECKS {
        check(model, given, errors);
    }
}

/// An annotated impl block; `given` belongs to its annotated methods, in order.
pub(crate) fn impl_block(block: &ImplModel, given: &[Given], errors: &mut Errors) {
    let models = block.items.iter().filter_map(|item| match item {
        BlockItem::Cached(model) => Some(model),
        BlockItem::Other(_) => None,
    });
    for (model, given) in models.zip(given) {
        function(model, given, errors);
    }
}
