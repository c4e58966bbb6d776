use super::{
    OutputFallback as _, ViaAll as _, ViaClone as _, ViaNothing as _, ViaPlain as _, ViaResult as _, ViaShown as _, *,
};
use std::rc::Rc;

struct NoClone;
type Aliased<T> = Result<T, NoClone>;

macro_rules! kind {
    ($type:ty, $whole:expr, $checked:expr) => {
        <KindId<
            {
                pick(
                    <OutputProbe<$type>>::IS_RESULT,
                    <OutputProbe<$type>>::PLAIN_OK,
                    <OutputProbe<$type>>::RESULT_OK,
                    $whole,
                    $checked,
                )
            },
        > as KindOf>::Kind
    };
}

fn same<T: 'static, U: 'static>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<U>()
}

#[test]
fn kinds_are_seen_through_aliases() {
    assert!(same::<kind!(u64, false, true), Plain>());
    assert!(same::<kind!(Option<u64>, false, true), Plain>());
    assert!(same::<kind!(Aliased<u64>, false, true), ResultOk>());
    assert!(same::<kind!(Aliased<u64>, true, true), Bad>(), "the error type is not Clone");
    assert!(same::<kind!(Result<u64, String>, true, true), Whole>());
    assert!(same::<kind!(u64, true, true), Bad>());
    assert!(same::<kind!(Rc<u8>, false, true), Bad>());
    assert!(same::<kind!(Rc<u8>, false, false), Plain>());
    assert!(same::<kind!(Aliased<Rc<u8>>, false, true), Bad>());
}

fn stored_of<R, M: OutputKind<R, Stored: Clone>>(_: Output<R, M>, output: &R) -> Option<M::Stored> {
    M::stored(output).cloned()
}

#[expect(clippy::needless_borrow, reason = "as generated code asks: references rank the traits")]
fn generic<T: Clone + Send + Sync + 'static>(value: T) -> (Option<T>, Option<Vec<T>>) {
    let aliased = (&OutputProbe::<Aliased<T>>::NEW).output();
    let plain = (&OutputProbe::<Vec<T>>::NEW).output();
    (stored_of(aliased, &Ok(value.clone())), stored_of(plain, &vec![value]))
}

#[test]
fn generic_code_sees_results_too() {
    assert_eq!(generic(3), (Some(3), Some(vec![3])));
}

#[test]
#[expect(clippy::needless_borrow, reason = "as generated code asks: references rank the traits")]
fn outputs_are_shared_only_if_they_can_be_cloned() {
    let can = (&&&&ShareProbe::<Result<u8, String>>::NEW).share();
    #[derive(Clone, PartialEq)]
    struct Mute(u8);
    let mute = (&&&&ShareProbe::<Mute>::NEW).share();
    assert_eq!(mute.compare(&Mute(1), &Mute(1)), Comparison::Same);
    assert_eq!(mute.compare(&Mute(1), &Mute(2)), Comparison::Different(None), "it cannot be shown");
    let cannot = (&&&&ShareProbe::<Result<u8, NoClone>>::NEW).share();
    let packed = can.pack(&Err("no".to_owned())).expect("shareable");
    assert_eq!(can.unpack(&*packed), Some(Err("no".to_owned())));
    assert!(cannot.pack(&Err(NoClone)).is_none());
    assert_eq!(can.compare(&Ok(1), &Ok(2)), Comparison::Different(Some(["Ok(1)".to_owned(), "Ok(2)".to_owned()])));
    assert_eq!(cannot.compare(&Ok(1), &Ok(1)), Comparison::Unknown);
}

#[test]
fn outputs_that_cannot_be_compared_can_be_copied() {
    #[derive(Clone)]
    struct Opaque;
    let share = (&&ShareProbe::<Opaque>::NEW).share();
    assert!(share.pack(&Opaque).is_some());
    assert_eq!(share.compare(&Opaque, &Opaque), Comparison::Unknown);
}

#[test]
fn an_argument_that_is_taken_along_comes_back_the_same() {
    let kept = super::own(vec![1, 2]);
    assert_eq!(std::thread::spawn(move || super::give(kept)).join().ok(), Some(vec![1, 2]));
}
