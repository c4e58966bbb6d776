//! A key as its text says it.

/// What a key consists of: the values of serde's data model, without the names of structs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tree {
    /// A bool.
    Bool(bool),
    /// An integer or a float, by its digits: `42`, `-7`, `0.5`, `nan`.
    Number(String),
    /// A `char`.
    Char(char),
    /// A string.
    Text(String),
    /// Bytes, where a type writes them as such.
    Bytes(Vec<u8>),
    /// `None`.
    None,
    /// `Some`.
    Some(Box<Tree>),
    /// A tuple, a tuple struct, a unit or a unit struct.
    Tuple(Vec<Tree>),
    /// A sequence.
    Sequence(Vec<Tree>),
    /// A map, in the order in which the type writes it.
    Map(Vec<(Tree, Tree)>),
    /// A struct: names and values.
    Fields(Vec<(String, Tree)>),
    /// A variant of an enum.
    Variant(String, Content),
}

/// What a variant holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing.
    Unit,
    /// One value.
    Newtype(Box<Tree>),
    /// A list of values.
    Tuple(Vec<Tree>),
    /// Named values.
    Fields(Vec<(String, Tree)>),
}

/// Words that stand for values, so that no variant is written like them.
pub(super) const WORDS: [&str; 6] = ["true", "false", "none", "some", "nan", "inf"];

/// What stands for a name of no letters.
pub(super) const NAMELESS: &str = "%";
