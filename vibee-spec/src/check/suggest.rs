//! "Did you mean": the nearest known name.

/// The candidate closest to `wrong`, if it is close enough to be a slip.
pub fn nearest<'n>(wrong: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let limit = match wrong.chars().count() {
        0..=1 => return known.into_iter().find(|k| k.eq_ignore_ascii_case(wrong)),
        2..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    known
        .filter(|k| *k != wrong)
        .map(|k| (distance(wrong, k), k))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, k)| k)
}

/// A hint text, if there is a near name.
pub fn hint<'n>(wrong: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    nearest(wrong, known).map(|k| format!("did you mean `{k}`?"))
}

/// Edit distance with neighbouring swaps, ignoring case at half price.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j - 1] + same).min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
