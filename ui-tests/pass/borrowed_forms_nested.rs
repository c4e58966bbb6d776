//! What borrows within what borrows is looked up without being owned, and what is skipped may be anything.
use cachekit::cache;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

#[derive(Clone, Copy)]
struct Page<'a>(&'a str);

impl Page<'_> {
    fn id(&self) -> usize {
        self.0.len()
    }
}

#[cache]
fn forms<'a>(
    name: &&str,
    names: &[&'a str; 2],
    pair: &(u8, &str),
    maybe: &Option<&str>,
    cow: &Cow<str>,
    list: Vec<&'a str>,
    boxed: Box<[&str]>,
    lists: &Vec<Option<&[&u8]>>,
) -> usize {
    computed();
    let lists: usize = lists.iter().flatten().map(|list| list.len()).sum();
    name.len() + names.len() + pair.1.len() + maybe.map_or(0, str::len) + cow.len() + list.len() + boxed.len() + lists
}

#[cache(key = (page.id(),))]
fn by_id(page: Page<'_>) -> usize {
    computed();
    page.0.len()
}

#[cache(skip(page, found))]
fn skipped(id: usize, page: &Page<'_>, found: Result<&str, u8>) -> usize {
    computed();
    id + page.0.len() + found.map_or(0, str::len)
}

#[cache]
fn called(of: fn(&str) -> usize) -> usize {
    computed();
    of("four")
}

struct Repo;

impl Repo {
    #[cache(skip(self))]
    async fn find<T: cachekit::Key>(&self, id: T, names: &Vec<&str>, tail: &&str) -> usize {
        computed();
        let _ = id;
        names.len() + tail.len()
    }
}

#[cache(batch)]
fn users(ids: &[(u8, &str)]) -> HashMap<(u8, String), usize> {
    computed();
    ids.iter().map(|(number, name)| ((*number, (*name).to_owned()), name.len())).collect()
}

#[cache(batch)]
fn named(ids: &[&&str]) -> HashMap<String, usize> {
    computed();
    ids.iter().map(|name| ((**name).to_owned(), name.len())).collect()
}

fn main() {
    for _ in 0..3 {
        let text = String::from("ab");
        let (text, cow) = (text.as_str(), Cow::Owned("cd".to_owned()));
        let lists = vec![None, Some(&[&1, &2][..])];
        let found = forms(&text, &[text, "y"], &(1, text), &Some(text), &cow, vec![text], [text].into(), &lists);
        assert_eq!(found, 2 + 2 + 2 + 2 + 2 + 1 + 1 + 2);
        assert_eq!(by_id(Page(text)), 2);
        assert_eq!(skipped(1, &Page(text), Ok(text)), 5);
        assert_eq!(called(str::len), 4);
        assert_eq!(users(&[(1, text)]), HashMap::from([((1, "ab".to_owned()), 2)]));
        assert_eq!(named(&[&text])["ab"], 2);
    }
    assert_eq!(COMPUTED.load(SeqCst), 6);
    let lists = vec![None, Some(&[&1, &2][..])];
    let cow = Cow::Borrowed("cd");
    assert_eq!(
        forms::get(&"ab", &["ab", "y"], &(1, "ab"), &Some("ab"), &cow, vec!["ab"], ["ab"].into(), &lists),
        Some(14)
    );
    assert_eq!(users::cache().get(&(1, "ab".to_owned())), Some(2));
    let _ = Repo.find(1, &vec!["a"], &"b");
}
