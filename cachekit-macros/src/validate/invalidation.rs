//! `#[invalidate(…)]`.

use crate::diagnostics::{Errors, invalidate as say, shape};
use crate::model::{Invalidation, When};
use quote::{ToTokens as _, quote};

type Check = fn(&Invalidation, &mut Errors);

const CHECKS: &[Check] = &[run_time_only, value_exists, each_once, soft_is_of_tags];

pub(crate) fn invalidation(invalidation: &Invalidation, errors: &mut Errors) {
    for check in CHECKS {
        check(invalidation, errors);
    }
}

fn run_time_only(invalidation: &Invalidation, errors: &mut Errors) {
    if let Some(token) = &invalidation.function.sig.constness {
        errors.push(shape::const_fn(token, "invalidate"));
    }
}

fn value_exists(invalidation: &Invalidation, errors: &mut Errors) {
    if invalidation.when != When::Before {
        return;
    }
    for pat in invalidation.targets.iter().filter_map(|target| target.over_value.as_ref()) {
        errors.push(say::before_value(pat));
    }
}

fn each_once(invalidation: &Invalidation, errors: &mut Errors) {
    let mut seen = Vec::new();
    for target in &invalidation.targets {
        let (path, args, value) = (&target.path, &target.args, &target.over_value);
        let text = quote!(#value #path(#(#args),*)).to_token_stream().to_string();
        if seen.contains(&text) {
            errors.push(say::twice(path));
        }
        seen.push(text);
    }
}

fn soft_is_of_tags(invalidation: &Invalidation, errors: &mut Errors) {
    let Some(soft) = invalidation.soft else { return };
    if let Some(target) = invalidation.targets.first() {
        errors.push(say::soft_key(soft, &target.path));
    } else if invalidation.tags.is_empty() {
        errors.push(say::soft_without_tags(soft));
    }
}
