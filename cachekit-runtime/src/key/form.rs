//! Forms: how a parameter of a given shape becomes a part of a key.
//!
//! The form is chosen from the syntax of the parameter's type, because a blanket implementation for each shape could not be told apart by the
//! compiler otherwise. They are markers; no value of them exists.

use std::marker::PhantomData;

/// A value that is its own owned form: `u64`, `String`, `Arc<T>`.
pub enum Val {}

/// A reference: `&str`, `&[u8]`, `&T`; owned by `ToOwned`.
pub enum Ref {}

/// A reference to something that is not its own owned form: `&&str`, `&Option<&str>`.
pub struct RefTo<F>(PhantomData<F>);

/// `Option` of something that is not its own owned form: `Option<&str>`.
pub struct Opt<F>(PhantomData<F>);

/// A slice of such things, borrowed or not: `&[&str]`, `Vec<&str>`, `Box<[&str]>`; owned by `Vec`.
pub struct Slice<F>(PhantomData<F>);

/// An array of such things: `[&str; 2]`.
pub struct Arr<F>(PhantomData<F>);

/// `Cow<'_, B>`.
pub enum CowForm {}
