//! `Weigh` of a user's own types: structs, enums, generic ones, and behind a trait object.
use cachekit::{Weigh, cache};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone)]
enum Tree<T> {
    Leaf(T),
    Inner(Vec<Tree<T>>),
}

impl<T> Weigh for Tree<T> {
    fn weight(&self) -> u64 {
        match self {
            Tree::Leaf(_) => size_of::<Self>() as u64,
            Tree::Inner(children) => children.weight(),
        }
    }
}

trait Shape: Weigh + Send + Sync {
    fn area(&self) -> u64;
}

struct Square(u64);

impl Weigh for Square {
    fn weight(&self) -> u64 {
        self.0.weight()
    }
}

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

#[cache(max_bytes = "1MiB")]
fn tree(depth: u32) -> Tree<u32> {
    if depth == 0 { Tree::Leaf(1) } else { Tree::Inner(vec![tree(depth - 1), tree(depth - 1)]) }
}

#[cache(max_bytes = "1MiB", none = false)]
fn shape(side: u64) -> Option<Arc<dyn Shape>> {
    (side > 0).then(|| Arc::new(Square(side)) as Arc<dyn Shape>)
}

#[cache(max_bytes = "1MiB")]
fn table(rows: u32) -> Result<BTreeMap<u32, [Option<String>; 2]>, std::convert::Infallible> {
    Ok((0..rows).map(|row| (row, [Some(row.to_string()), None])).collect())
}

fn weighed<T: Weigh + ?Sized>(value: &T) -> u64 {
    value.weight()
}

fn main() {
    assert_eq!(weighed(&tree(1)), 24 + 2 * 24);
    assert_eq!(shape(3).map(|shape| shape.area()), Some(9));
    assert!(shape(0).is_none());
    assert_eq!(table(3).unwrap().len(), 3);
    assert_eq!((weighed("text"), weighed(&[1_u8, 2][..])), (4, 2));
}
