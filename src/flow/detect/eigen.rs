//! Eigenvalues and eigenvectors of small symmetric matrices.
//!
//! Householder's tridiagonal form, then implicit QL: EISPACK's `tred2` and `tql2` (Bowdler, Martin, Reinsch, Wilkinson
//! 1968), with every inner loop along a row in memory. Its additions have one order on every machine.

/// Iterations per eigenvalue: 30 have always been enough, more cannot make it better.
const MOST_ITERATIONS: u32 = 60;

/// One eigenvalue with its vector, of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigen {
    /// The eigenvalue.
    pub value: f64,
    /// The direction; its sign means nothing.
    pub vector: Vec<f64>,
}

/// All eigenvalues of a symmetric matrix of finite numbers, given row by row, the largest first.
pub fn decompose(matrix: &[f64], size: usize) -> Vec<Eigen> {
    if size == 0 {
        return Vec::new();
    }
    let mut rows: Vec<Vec<f64>> = matrix.chunks_exact(size).map(<[f64]>::to_vec).collect();
    let (mut diagonal, mut beside) = (vec![0.0; size], vec![0.0; size]);
    tridiagonalise(&mut rows, &mut diagonal, &mut beside);
    accumulate(&mut rows, &mut diagonal);
    beside.rotate_left(1);
    beside[size - 1] = 0.0;
    diagonalise(&mut rows, &mut diagonal, &mut beside);
    let mut found: Vec<Eigen> =
        diagonal.into_iter().zip(rows).map(|(value, vector)| Eigen { value, vector }).collect();
    found.sort_by(|a, b| b.value.total_cmp(&a.value));
    found
}

/// Leaves the diagonals in `d` and `e`, and in `rows` the reflections that lead there. `rows[j][k]` is the published
/// algorithm's `V[k][j]`.
fn tridiagonalise(rows: &mut [Vec<f64>], d: &mut [f64], e: &mut [f64]) {
    let last = d.len() - 1;
    for (entry, row) in d.iter_mut().zip(rows.iter()) {
        *entry = row[last];
    }
    for i in (1..=last).rev() {
        let scale: f64 = d[..i].iter().map(|entry| entry.abs()).sum();
        let mut h = 0.0;
        if scale == 0.0 {
            e[i] = d[i - 1];
            for j in 0..i {
                d[j] = rows[j][i - 1];
                rows[j][i] = 0.0;
                rows[i][j] = 0.0;
            }
        } else {
            for entry in &mut d[..i] {
                *entry /= scale;
                h += *entry * *entry;
            }
            let f = d[i - 1];
            let g = if f > 0.0 { -h.sqrt() } else { h.sqrt() };
            e[i] = scale * g;
            h -= f * g;
            d[i - 1] = f - g;
            reflect(rows, d, e, i, h);
        }
        d[i] = h;
    }
}

/// Applies the reflection in `d[..i]` from both sides.
fn reflect(rows: &mut [Vec<f64>], d: &mut [f64], e: &mut [f64], i: usize, h: f64) {
    e[..i].fill(0.0);
    for j in 0..i {
        let f = d[j];
        rows[i][j] = f;
        let row = &rows[j];
        let mut g = e[j] + row[j] * f;
        for k in j + 1..i {
            g += row[k] * d[k];
            e[k] += row[k] * f;
        }
        e[j] = g;
    }
    let mut f = 0.0;
    for (entry, along) in e[..i].iter_mut().zip(d.iter()) {
        *entry /= h;
        f += *entry * along;
    }
    let half = f / (h + h);
    for (entry, along) in e[..i].iter_mut().zip(d.iter()) {
        *entry -= half * along;
    }
    for j in 0..i {
        let (f, g) = (d[j], e[j]);
        let row = &mut rows[j];
        for ((entry, across), along) in row[j..i].iter_mut().zip(&e[j..i]).zip(&d[j..i]) {
            *entry -= f * across + g * along;
        }
        d[j] = row[i - 1];
        row[i] = 0.0;
    }
}

/// Multiplies the reflections out into `rows`.
fn accumulate(rows: &mut [Vec<f64>], d: &mut [f64]) {
    let last = d.len() - 1;
    for i in 0..last {
        rows[i][last] = rows[i][i];
        rows[i][i] = 1.0;
        let h = d[i + 1];
        let (before, after) = rows.split_at_mut(i + 1);
        let reflection = &mut after[0][..=i];
        if h != 0.0 {
            for (entry, along) in d.iter_mut().zip(reflection.iter()) {
                *entry = along / h;
            }
            for row in before {
                let g: f64 = reflection.iter().zip(row.iter()).map(|(a, b)| a * b).sum();
                row[..=i].iter_mut().zip(d.iter()).for_each(|(entry, along)| *entry -= g * along);
            }
        }
        reflection.fill(0.0);
    }
    for (entry, row) in d.iter_mut().zip(rows.iter_mut()) {
        *entry = std::mem::replace(&mut row[last], 0.0);
    }
    rows[last][last] = 1.0;
}

/// Turns the tridiagonal matrix into a diagonal one by QL steps with implicit shifts, and `rows` along with it.
fn diagonalise(rows: &mut [Vec<f64>], d: &mut [f64], e: &mut [f64]) {
    let size = d.len();
    // Measured by the whole matrix and not by what came so far: `sweep` squares what is not negligible.
    let largest = d.iter().zip(e.iter()).map(|(on, beside)| on.abs() + beside.abs()).fold(0.0, f64::max);
    let negligible = f64::EPSILON * largest;
    let mut shift = 0.0;
    for l in 0..size {
        let m = (l..size - 1).find(|&m| e[m].abs() <= negligible).unwrap_or(size - 1);
        let mut iterations = 0;
        while m > l && e[l].abs() > negligible && iterations < MOST_ITERATIONS {
            iterations += 1;
            shift += shift_from(d, e, l);
            sweep(rows, d, e, l, m);
        }
        d[l] += shift;
        e[l] = 0.0;
    }
}

/// Moves the origin to the eigenvalue that the leading two by two block suggests.
fn shift_from(d: &mut [f64], e: &[f64], l: usize) -> f64 {
    let g = d[l];
    let p = (d[l + 1] - g) / (2.0 * e[l]);
    let r = if p < 0.0 { -(p * p + 1.0).sqrt() } else { (p * p + 1.0).sqrt() };
    d[l] = e[l] / (p + r);
    d[l + 1] = e[l] * (p + r);
    let shift = g - d[l];
    d[l + 2..].iter_mut().for_each(|entry| *entry -= shift);
    shift
}

/// One QL sweep from `m` up to `l`.
fn sweep(rows: &mut [Vec<f64>], d: &mut [f64], e: &mut [f64], l: usize, m: usize) {
    let (second, beside_second) = (d[l + 1], e[l + 1]);
    let mut p = d[m];
    let (mut c, mut c2, mut c3, mut s, mut s2) = (1.0, 1.0, 1.0, 0.0, 0.0);
    for i in (l..m).rev() {
        c3 = c2;
        c2 = c;
        s2 = s;
        let g = c * e[i];
        let h = c * p;
        let r = (p * p + e[i] * e[i]).sqrt();
        e[i + 1] = s * r;
        s = e[i] / r;
        c = p / r;
        p = c * d[i] - s * g;
        d[i + 1] = h + s * (c * g + s * d[i]);
        let (before, after) = rows.split_at_mut(i + 1);
        for (one, other) in before[i].iter_mut().zip(after[0].iter_mut()) {
            let (a, b) = (*one, *other);
            *other = s * a + c * b;
            *one = c * a - s * b;
        }
    }
    p = -s * s2 * c3 * beside_second * e[l] / second;
    e[l] = s * p;
    d[l] = c * p;
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    /// Each vector has length 1, and the matrix stretches it by its value.
    fn check(matrix: &[f64], size: usize) {
        let found = decompose(matrix, size);
        assert_eq!(found.len(), size);
        assert!(found.is_sorted_by(|a, b| a.value >= b.value));
        let norm = matrix.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
        for Eigen { value, vector } in &found {
            assert!((vector.iter().map(|entry| entry * entry).sum::<f64>() - 1.0).abs() < 1e-12);
            for (row, entry) in matrix.chunks_exact(size).zip(vector) {
                let image: f64 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                assert!((image - value * entry).abs() <= 1e-13 * norm.max(1e-300), "{image} {value} {entry}");
            }
        }
    }

    #[test]
    fn the_matrix_stretches_its_eigenvectors_by_their_values() {
        let mut random = Random::seeded(3);
        for size in 0..20 {
            let mut matrix: Vec<f64> = (0..size * size).map(|_| random.unit() - 0.5).collect();
            for row in 0..size {
                for column in 0..row {
                    matrix[row * size + column] = matrix[column * size + row];
                }
            }
            check(&matrix, size);
        }
    }

    #[test]
    fn degenerate_matrices_have_eigenvectors_too() {
        check(&[0.0; 144], 12);
        check(&[1.0; 144], 12);
        check(&vec![1.0; 64 * 64], 64);
        let identity: Vec<f64> = (0..25).map(|at| f64::from(u8::from(at % 6 == 0))).collect();
        check(&identity, 5);
        check(&[1.0, 1e-9, 1e-9, 1.0], 2);
        check(&[1e-200, 0.0, 0.0, 1.0], 2);
    }
}
