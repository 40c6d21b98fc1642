//! Views: arithmetic is checked, positions stay inside, exclusive views do not alias.

use std::panic::{AssertUnwindSafe, catch_unwind};

use igla_runtime::prelude::*;

fn numbers(len: usize) -> Vec<i32> {
    (0..len as i32).collect()
}

#[test]
fn positions_are_row_major() {
    let data = numbers(24);
    let view = View::new(&data, [2, 3, 4]).unwrap();
    assert_eq!((view.dims(), view.strides(), view.len()), ([2, 3, 4], [12, 4, 1], 24));
    assert_eq!(view.at([1, 2, 3]), 23);
    assert_eq!(view.row([1, 0]), [12, 13, 14, 15]);
    assert_eq!(view.flat_row(5), [20, 21, 22, 23]);
    assert_eq!(view.sub::<1, 2>([1]).at([2, 1]), 21);
    assert_eq!(view.sub::<2, 1>([0, 1]).row([]), [4, 5, 6, 7]);
    assert_eq!(view.sub::<3, 0>([0, 1, 2]).at([]), 6);
    assert_eq!(view.flat(), Some(&data[..]));
    let narrow = view.narrow(1, 1, 2).narrow(2, 1, 2);
    assert_eq!(narrow.elements().collect::<Vec<_>>(), [5, 6, 9, 10, 17, 18, 21, 22]);
    assert_eq!(narrow.flat_row(3), [21, 22]);
    assert_eq!(narrow.flat(), None);
    assert_eq!(view.narrow(0, 1, 1).flat(), Some(&data[12..]));
}

#[test]
fn strided_views_stay_inside() {
    let data = numbers(10);
    let windows = View::strided(&data, [4, 3], [2, 1]).unwrap();
    assert_eq!(windows.row([3]), [6, 7, 8]);
    let repeated = View::strided(&data, [1000, 10], [0, 1]).unwrap();
    assert_eq!(repeated.row([999]), data);
    assert_eq!(repeated.flat_row(500), data);
    assert!(View::strided(&data, [4, 3], [3, 1]).is_err(), "3 * 3 + 2 is outside");
    assert!(View::strided(&data, [5, 2], [1, 5]).is_err(), "the last axis has stride 5");
    assert!(View::strided(&data, [2, 1], [9, 7]).is_ok(), "an axis of extent 1 takes no steps");
    assert!(View::strided(&data, [usize::MAX, 2], [usize::MAX, 1]).is_err());
    assert!(View::strided(&data, [3, 2], [usize::MAX / 2 + 1, 1]).is_err());
    assert!(View::strided(&data[..0], [1], [1]).is_err());
    assert!(View::<i32, 0>::strided(&data[..0], [], []).is_err());
    assert!(View::new(&data, [3, 3]).is_err());
    assert!(View::new(&data, [usize::MAX, usize::MAX]).is_err());
    let message = View::new(&data, [3, 3]).unwrap_err().to_string();
    assert!(message.contains("[3, 3]") && message.contains("10"), "{message}");
}

#[test]
fn empty_views_are_legal_and_point_nowhere() {
    let empty: [i32; 0] = [];
    for dims in [[0, 5, 3], [5, 0, 3], [5, 3, 0], [usize::MAX, usize::MAX, 0]] {
        let view = View::new(&empty, dims).unwrap();
        assert_eq!(view.elements().count(), 0);
        assert_eq!(view.flat(), Some(&empty[..]));
    }
    let view = View::strided(&empty, [usize::MAX, 0], [usize::MAX, 1]).unwrap();
    assert!(view.row([usize::MAX - 1]).is_empty());
    assert!(view.flat_row(7).is_empty());
    let data = numbers(12);
    let view = View::new(&data, [3, 4]).unwrap();
    assert!(view.narrow(0, 3, 0).elements().next().is_none());
    assert!(view.narrow(1, 4, 0).row([2]).is_empty());
    let mut tensor = Tensor::<f32, 2>::zeros([4, 0]).unwrap();
    assert!(tensor.view_mut().row_mut([3]).is_empty());
}

#[test]
fn exclusive_views_do_not_alias() {
    let mut data = numbers(12);
    assert!(ViewMut::strided(&mut data, [4, 3], [3, 1]).is_ok());
    assert!(ViewMut::strided(&mut data, [3, 3], [4, 1]).is_ok());
    assert!(ViewMut::strided(&mut data, [2, 3, 2], [2, 4, 1]).is_ok(), "axes may be swapped");
    assert!(ViewMut::strided(&mut data, [4, 3], [2, 1]).is_err(), "rows overlap");
    assert!(ViewMut::strided(&mut data, [4, 3], [0, 1]).is_err(), "rows are the same");
    assert!(ViewMut::strided(&mut data, [1, 3], [0, 1]).is_ok(), "one row only");
    assert!(ViewMut::strided(&mut data, [5, 3], [3, 1]).is_err(), "outside");
}

#[test]
fn exclusive_views_write_what_they_show() {
    let mut data = numbers(12);
    let mut view = ViewMut::new(&mut data, [3, 4]).unwrap();
    view.set([0, 0], 100);
    view.row_mut([1])[2] = 200;
    view.flat_row_mut(2)[3] = 300;
    view.sub_mut::<1, 1>([0]).set([1], 400);
    view.narrow_mut(0, 2, 1).narrow_mut(1, 1, 2).row_mut([0]).fill(7);
    view.reborrow().set([1, 0], 500);
    assert_eq!((view.at([1, 2]), view.row([0])[1], view.view().at([2, 3])), (200, 400, 300));
    assert_eq!(view.flat_mut().unwrap().len(), 12);
    assert_eq!(data, [100, 400, 2, 3, 500, 5, 200, 7, 8, 7, 7, 300]);
}

fn panics<T>(action: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(action)).is_err()
}

#[test]
fn bad_indices_panic() {
    let data = numbers(12);
    let view = View::new(&data, [3, 4]).unwrap();

    assert!(panics(|| view.at([3, 0])));
    assert!(panics(|| view.at([0, 4])));
    assert!(panics(|| view.row([3]).len()));
    assert!(panics(|| view.flat_row(3).len()));
    assert!(panics(|| view.flat_row(usize::MAX).len()));
    assert!(panics(|| view.sub::<1, 1>([3]).dims()));
    assert!(panics(|| view.narrow(0, 2, 2).dims()));
    assert!(panics(|| view.narrow(0, 4, 0).dims()));
    assert!(panics(|| view.narrow(1, usize::MAX, 2).dims()));
    let cube = View::new(&data, [2, 2, 3]).unwrap();
    assert_eq!(cube.flat_row(3), [9, 10, 11]);
    assert!(panics(|| cube.flat_row(4).len()));
}
