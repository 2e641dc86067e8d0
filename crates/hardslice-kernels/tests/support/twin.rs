//! Each operation a second time: plain loops in double precision, gradients worked out by hand.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "results are compared in single precision"
)]

/// `[n, channels, y, x]`.
#[derive(Debug, Clone)]
pub(crate) struct Planes {
    pub(crate) shape: [usize; 4],
    pub(crate) values: Vec<f64>,
}

impl Planes {
    pub(crate) fn new(shape: [usize; 4], values: &[f32]) -> Self {
        let values: Vec<f64> = values.iter().map(|x| f64::from(*x)).collect();
        assert_eq!(
            values.len(),
            shape.iter().product::<usize>(),
            "a full shape"
        );
        Self { shape, values }
    }

    pub(crate) fn zeros(shape: [usize; 4]) -> Self {
        let values = vec![0.0; shape.iter().product()];
        Self { shape, values }
    }

    pub(crate) fn narrowed(&self) -> Vec<f32> {
        self.values.iter().map(|x| *x as f32).collect()
    }

    pub(crate) fn at(&self, at: [usize; 4]) -> f64 {
        self.values[self.place(at)]
    }

    fn add(&mut self, at: [usize; 4], x: f64) {
        let place = self.place(at);
        self.values[place] += x;
    }

    fn place(&self, [n, c, y, x]: [usize; 4]) -> usize {
        let [_, channels, height, width] = self.shape;
        ((n * channels + c) * height + y) * width + x
    }

    /// All places, in order.
    pub(crate) fn places(&self) -> impl Iterator<Item = [usize; 4]> + use<> {
        let [n, channels, height, width] = self.shape;
        (0..n * channels * height * width).map(move |place| {
            let (row, x) = (place / width, place % width);
            let (plane, y) = (row / height, row % height);
            [plane / channels, plane % channels, y, x]
        })
    }

    /// Concatenated along the channels.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let [n, first, height, width] = self.shape;
        let mut both = Self::zeros([n, first + other.shape[1], height, width]);
        for at @ [n, c, y, x] in both.clone().places() {
            let value = if c < first {
                self.at(at)
            } else {
                other.at([n, c - first, y, x])
            };
            both.add(at, value);
        }
        both
    }

    /// The channels before and from `first` on.
    pub(crate) fn parted(&self, first: usize) -> [Self; 2] {
        let [n, channels, height, width] = self.shape;
        [0..first, first..channels].map(|range| {
            let mut part = Self::zeros([n, range.len(), height, width]);
            for [n, c, y, x] in part.clone().places() {
                part.add([n, c, y, x], self.at([n, c + range.start, y, x]));
            }
            part
        })
    }

    /// Sum of each channel.
    pub(crate) fn channel_sums(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.shape[1]];
        for at in self.places() {
            sums[at[1]] += self.at(at);
        }
        sums
    }
}

/// Calls `each` with the place of an output, of the weight and of the input for each product of a
/// convolution with same padding and stride 1.
fn products(
    x: [usize; 4],
    weight: [usize; 4],
    mut each: impl FnMut([usize; 4], [usize; 4], [usize; 4]),
) {
    let [n, channels, height, width] = x;
    let [n_out, _, kernel, _] = weight;
    let pad = kernel / 2;
    for [image, out, y0, x0] in Planes::zeros([n, n_out, height, width]).places() {
        for channel in 0..channels {
            for ky in 0..kernel {
                for kx in 0..kernel {
                    let (y, x) = (y0 + ky, x0 + kx);
                    if y >= pad && y < height + pad && x >= pad && x < width + pad {
                        each(
                            [image, out, y0, x0],
                            [out, channel, ky, kx],
                            [image, channel, y - pad, x - pad],
                        );
                    }
                }
            }
        }
    }
}

/// Convolution with same padding and stride 1.
pub(crate) fn conv(x: &Planes, weight: &Planes, bias: Option<&[f32]>) -> Planes {
    let [n, _, height, width] = x.shape;
    let mut y = Planes::zeros([n, weight.shape[0], height, width]);
    if let Some(bias) = bias {
        for at in y.clone().places() {
            y.add(at, f64::from(bias[at[1]]));
        }
    }
    products(x.shape, weight.shape, |at, w, from| {
        y.add(at, weight.at(w) * x.at(from));
    });
    y
}

/// Gradients of a convolution's input and weight.
pub(crate) fn conv_backward(x: &Planes, weight: &Planes, dy: &Planes) -> [Planes; 2] {
    let (mut dx, mut dw) = (Planes::zeros(x.shape), Planes::zeros(weight.shape));
    products(x.shape, weight.shape, |at, w, from| {
        dx.add(from, weight.at(w) * dy.at(at));
        dw.add(w, x.at(from) * dy.at(at));
    });
    [dx, dw]
}

/// A batch norm with the batch's own statistics.
pub(crate) struct Normed {
    pub(crate) out: Planes,
    pub(crate) mean: Vec<f64>,
    pub(crate) var: Vec<f64>,
    scaled: Planes,
    eps: f64,
}

pub(crate) fn norm(y: &Planes, gamma: &[f32], beta: &[f32], eps: f64) -> Normed {
    let count = (y.values.len() / y.shape[1]) as f64;
    let mean: Vec<f64> = y.channel_sums().iter().map(|sum| sum / count).collect();
    let mut centred = y.clone();
    for at in y.places() {
        centred.add(at, -mean[at[1]]);
    }
    let mut squares = centred.clone();
    squares.values.iter_mut().for_each(|x| *x *= *x);
    let var: Vec<f64> = squares
        .channel_sums()
        .iter()
        .map(|sum| sum / count)
        .collect();
    let (mut scaled, mut out) = (Planes::zeros(y.shape), Planes::zeros(y.shape));
    for at in y.places() {
        let c = at[1];
        let x = centred.at(at) / (var[c] + eps).sqrt();
        scaled.add(at, x);
        out.add(at, x * f64::from(gamma[c]) + f64::from(beta[c]));
    }
    Normed {
        out,
        mean,
        var,
        scaled,
        eps,
    }
}

impl Normed {
    /// Gradients of what went into the norm, of gamma and of beta.
    pub(crate) fn backward(&self, gamma: &[f32], d_out: &Planes) -> (Planes, Vec<f64>, Vec<f64>) {
        let count = (d_out.values.len() / d_out.shape[1]) as f64;
        let d_beta = d_out.channel_sums();
        let mut products = d_out.clone();
        for (product, x) in products.values.iter_mut().zip(&self.scaled.values) {
            *product *= x;
        }
        let d_gamma = products.channel_sums();
        let mut dy = Planes::zeros(d_out.shape);
        for at in d_out.places() {
            let c = at[1];
            let share = (d_beta[c] + self.scaled.at(at) * d_gamma[c]) / count;
            let scale = f64::from(gamma[c]) / (self.var[c] + self.eps).sqrt();
            dy.add(at, scale * (d_out.at(at) - share));
        }
        (dy, d_gamma, d_beta)
    }
}

/// ReLU as it was found: zero where the result is zero. What is zero up to rounding may be taken
/// either way, by as much as `near`.
pub(crate) fn rectified_as(y: &Planes, found: &[f32], near: f64) -> Planes {
    let mut out = y.clone();
    for (x, found) in out.values.iter_mut().zip(found) {
        if *found <= 0.0 {
            assert!(*x <= near, "a ReLU gave {found}, expected {x}");
            *x = 0.0;
        } else {
            assert!(*x >= -near, "a ReLU gave {found}, expected {x}");
        }
    }
    out
}

/// What comes through the gradient of a ReLU.
pub(crate) fn through_relu(dy: &Planes, found: &[f32]) -> Planes {
    let mut dx = dy.clone();
    for (x, found) in dx.values.iter_mut().zip(found) {
        if *found <= 0.0 {
            *x = 0.0;
        }
    }
    dx
}

/// 2x2 max pool; for each output, the place of the first largest input.
pub(crate) fn max_pool(x: &Planes) -> (Planes, Vec<[usize; 4]>) {
    let [n, channels, height, width] = x.shape;
    let mut out = Planes::zeros([n, channels, height / 2, width / 2]);
    let mut from = Vec::new();
    for at @ [n, c, y, column] in out.clone().places() {
        let mut best = [n, c, 2 * y, 2 * column];
        for [dy, dx] in [[0, 1], [1, 0], [1, 1]] {
            let other = [n, c, 2 * y + dy, 2 * column + dx];
            if x.at(other) > x.at(best) {
                best = other;
            }
        }
        out.add(at, x.at(best));
        from.push(best);
    }
    (out, from)
}

/// The gradient of a max pool's input.
pub(crate) fn max_pool_backward(x: [usize; 4], from: &[[usize; 4]], dy: &Planes) -> Planes {
    let mut dx = Planes::zeros(x);
    for (from, dy) in from.iter().zip(&dy.values) {
        dx.add(*from, *dy);
    }
    dx
}

/// Calls `each` with the places of input, weight and output for each product of a transposed
/// convolution.
fn transposed_products(
    x: [usize; 4],
    weight: [usize; 4],
    [stride, pad]: [usize; 2],
    mut each: impl FnMut([usize; 4], [usize; 4], [usize; 4]),
) {
    let [_, _, height, width] = x;
    let [_, n_out, kernel, _] = weight;
    for from @ [n, c, y, column] in Planes::zeros(x).places() {
        for out in 0..n_out {
            for ky in 0..kernel {
                for kx in 0..kernel {
                    let (to_y, to_x) = (y * stride + ky, column * stride + kx);
                    let inside = |to: usize, size| to >= pad && to < size * stride + pad;
                    if inside(to_y, height) && inside(to_x, width) {
                        each(from, [c, out, ky, kx], [n, out, to_y - pad, to_x - pad]);
                    }
                }
            }
        }
    }
}

/// Transposed convolution with a padding of (kernel - stride) / 2 on either side.
pub(crate) fn conv_transpose(
    x: &Planes,
    weight: &Planes,
    stride: usize,
    bias: Option<&[f32]>,
) -> Planes {
    let [n, _, height, width] = x.shape;
    let mut y = Planes::zeros([n, weight.shape[1], height * stride, width * stride]);
    if let Some(bias) = bias {
        for at in y.clone().places() {
            y.add(at, f64::from(bias[at[1]]));
        }
    }
    let pad = (weight.shape[2] - stride) / 2;
    transposed_products(x.shape, weight.shape, [stride, pad], |from, w, to| {
        y.add(to, x.at(from) * weight.at(w));
    });
    y
}

/// Gradients of a transposed convolution's input and weight.
pub(crate) fn conv_transpose_backward(
    x: &Planes,
    weight: &Planes,
    stride: usize,
    dy: &Planes,
) -> [Planes; 2] {
    let pad = (weight.shape[2] - stride) / 2;
    let (mut dx, mut dw) = (Planes::zeros(x.shape), Planes::zeros(weight.shape));
    transposed_products(x.shape, weight.shape, [stride, pad], |from, w, to| {
        dx.add(from, weight.at(w) * dy.at(to));
        dw.add(w, x.at(from) * dy.at(to));
    });
    [dx, dw]
}
