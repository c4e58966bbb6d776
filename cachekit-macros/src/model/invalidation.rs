//! What `#[invalidate(…)]` says.

use super::build::facade;
use super::cache::{tags, unknown_names};
use super::units::plain;
use super::{Function, Invalidation, Target, Template, When, values};
use crate::args::{Arg, Entry, Value};
use crate::diagnostics::{Errors, args as say, invalidate as say_invalidate};
use proc_macro2::Span;
use syn::{Error, Expr, ExprCall, Ident, Pat, Path, Stmt};

pub(crate) fn invalidation(entries: Vec<Entry>, function: Function, errors: &mut Errors) -> Invalidation {
    if entries.is_empty() && errors.is_empty() {
        errors.push(say_invalidate::nothing());
    }
    let mut named = Named::default();
    let mut targets = Vec::new();
    for entry in entries {
        match entry {
            Entry::Named(arg) => named.read(arg, &function, errors),
            Entry::Target(expr) => {
                if let Some(word) = soft(&expr) {
                    named.soften(word, errors);
                    continue;
                }
                if let Some(found) = errors.keep(read_targets(expr)) {
                    for target in &found {
                        check_names(target, &function, errors);
                    }
                    targets.extend(found);
                }
            }
        }
    }
    let Named { krate, tags, soft, when, .. } = named;
    Invalidation { krate: krate.unwrap_or_else(facade), targets, tags, soft, when: when.unwrap_or(When::Ok), function }
}

#[derive(Default)]
struct Named {
    given: Vec<Ident>,
    krate: Option<Path>,
    tags: Vec<Template>,
    soft: Option<Span>,
    when: Option<When>,
}

impl Named {
    fn soften(&mut self, word: &Ident, errors: &mut Errors) {
        match self.soft {
            Some(_) => errors.push(say::repeated(word)),
            None => self.soft = Some(word.span()),
        }
    }

    fn read(&mut self, Arg { name, value }: Arg, function: &Function, errors: &mut Errors) {
        if self.given.contains(&name) {
            errors.push(say::repeated(&name));
            return;
        }
        self.given.push(name.clone());
        let Value::Is(expr) = value else { return };
        match name.to_string().as_str() {
            "tags" => {
                let read = tags(&name, &expr, function, errors);
                self.tags = errors.keep(read).unwrap_or_default();
            }
            "when" => self.when = errors.keep(when(&name, &expr)),
            "crate" => self.krate = errors.keep(values::path(&name, &expr)),
            "soft" => errors.push(say_invalidate::soft_value(&expr)),
            _ => errors.push(say_invalidate::unknown(&name)),
        }
    }
}

/// The word alone.
fn soft(expr: &Expr) -> Option<&Ident> {
    let Expr::Path(path) = expr else { return None };
    path.path.get_ident().filter(|name| *name == "soft")
}

fn when(name: &Ident, expr: &Expr) -> Result<When, Error> {
    let literal = values::string(name, expr)?;
    match literal.value().as_str() {
        "always" => Ok(When::Always),
        "before" => Ok(When::Before),
        "ok" => Ok(When::Ok),
        _ => Err(say_invalidate::when(&literal)),
    }
}

/// `user(id)`, or `|value| user(value.id)`, or a closure over several calls.
fn read_targets(expr: Expr) -> Result<Vec<Target>, Error> {
    match plain(&expr) {
        Expr::Closure(closure) => {
            let mut inputs = closure.inputs.iter();
            let (Some(pat), None) = (inputs.next(), inputs.next()) else {
                return Err(say_invalidate::one_value(closure));
            };
            calls(&closure.body)?.into_iter().map(|call| target(call, Some(pat))).collect()
        }
        Expr::Call(call) => Ok(vec![target(call, None)?]),
        other => Err(say_invalidate::not_a_call(other)),
    }
}

fn calls(body: &Expr) -> Result<Vec<&ExprCall>, Error> {
    match plain(body) {
        Expr::Call(call) => Ok(vec![call]),
        Expr::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.iter().map(one_call).collect(),
        Expr::Array(array) if !array.elems.is_empty() => array.elems.iter().map(one_call).collect(),
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [Stmt::Expr(expr, None)] => calls(expr),
            _ => Err(say_invalidate::closure_body(body)),
        },
        other => Err(say_invalidate::closure_body(other)),
    }
}

fn one_call(expr: &Expr) -> Result<&ExprCall, Error> {
    match plain(expr) {
        Expr::Call(call) => Ok(call),
        other => Err(say_invalidate::closure_body(other)),
    }
}

fn target(call: &ExprCall, over_value: Option<&Pat>) -> Result<Target, Error> {
    match plain(&call.func) {
        Expr::Path(path) if path.qself.is_none() => Ok(Target {
            path: path.path.clone(),
            args: call.args.iter().cloned().collect(),
            over_value: over_value.cloned(),
        }),
        other => Err(say_invalidate::not_a_path(other)),
    }
}

/// Outside of a closure only parameters exist; inside, the compiler knows better than we.
fn check_names(target: &Target, function: &Function, errors: &mut Errors) {
    if target.over_value.is_none() {
        for arg in &target.args {
            unknown_names("invalidate", arg, function, errors);
        }
    }
}
