//! 2x2 max pool with stride 2.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::Features;
use crate::affine::Affine;
use crate::buffers::Activations;
use crate::features::Blocked;
use crate::layout::{Extent, n_blocks};
use crate::node::{Tracked, node, register};
use crate::pending_norm::PendingNorm;
use crate::simd::{Kernel, LANES, Pixel, PixelOf, Simd, with_simd};
use crate::stored::{Pixels, Stored, with_pixels};
use crate::tensor::{extent, in_order, pixels};

/// 2x2 max pool with stride 2; the last row or column of an odd size takes no part.
///
/// The gradient goes to the first of equal maxima, in reading order.
///
/// # Shapes
///
/// `[n, c, y, x]` to `[n, c, floor(y / 2), floor(x / 2)]`.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::Features;
/// use hardslice_kernels::ops::max_pool::max_pool2x2;
///
/// let device = Device::default();
/// let x = Tensor::<4>::from_data([[[[1.0, 2.0, 9.0], [4.0, 3.0, 9.0]]]], &device);
/// let y = max_pool2x2(&Features::from_planar(x)).into_planar();
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), [4.0]);
/// ```
pub fn max_pool2x2(x: &Features) -> Features {
    let Some(Blocked { blocks, pending }) = x.blocks() else {
        return fallback::max_pool2x2(x);
    };
    let channels = pending.channels;
    let out = <Dispatch as MaxPool>::max_pool(blocks.into_dispatch(), pending);
    Features::from_blocks(Tensor::from_dispatch(out), channels, None)
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::module::max_pool2d;
    use burn::tensor::ops::MaxPoolOptions;

    use crate::Features;

    /// See [`max_pool2x2`](super::max_pool2x2).
    pub fn max_pool2x2(x: &Features) -> Features {
        let planar = x.clone().into_planar();
        Features::from_planar(max_pool2d(planar, MaxPoolOptions::new([2, 2])))
    }
}

#[backend_extension(Flex, Autodiff)]
trait MaxPool: Backend {
    /// In nChw16c.
    fn max_pool(x: FloatTensor<Self>, pending: PendingNorm) -> FloatTensor<Self>;
}

impl MaxPool for Flex {
    fn max_pool(x: FlexTensor, pending: PendingNorm) -> FlexTensor {
        let x = in_order(x);
        let pool = Pool::of(&x, &pending);
        let shape = pool.extent.halved().blocked_shape(pending.channels);
        with_simd!(s => pool.forward(s)).into_tensor(shape)
    }
}

impl<C: CheckpointStrategy> MaxPool for Autodiff<Flex, C> {
    fn max_pool(x: Tracked, pending: PendingNorm) -> Tracked {
        let (x, guard) = x.into_parts();
        let x = in_order(x);
        let out = Flex::max_pool(x.clone(), pending.clone());
        node::<C, _, 1>(Node, [guard], || State { x, pending }, out)
    }
}

#[derive(Debug)]
struct Node;

#[derive(Debug, Clone)]
struct State {
    x: FlexTensor,
    pending: PendingNorm,
}

impl Backward<Flex, 1> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let State { x, pending } = ops.state;
        let pool = Pool::of(&x, &pending);
        let dx = with_simd!(s => pool.backward(s, pixels(&gradient)));
        register!(gradients, node => Some(dx.into_tensor(x.layout().shape().clone())));
    }
}

/// A layer in blocks, with a norm that is still to be applied where there is one.
#[derive(Debug, Clone, Copy)]
struct Pool<'a> {
    /// `[n, blocks, y, x]`.
    pixels: Pixels<'a>,
    n_blocks: usize,
    extent: Extent,
    norm: Option<&'a Affine>,
}

/// Rows of a task, at least.
const ROWS: usize = 8;

impl<'a> Pool<'a> {
    fn of(x: &'a FlexTensor, pending: &'a PendingNorm) -> Self {
        Self {
            pixels: pixels(x),
            n_blocks: n_blocks(pending.channels),
            extent: extent(x),
            norm: pending.affine(),
        }
    }

    fn out_size(&self) -> (usize, usize) {
        (self.extent.height / 2, self.extent.width / 2)
    }

    /// The two rows above a row of the result, and the norm of their block.
    fn rows(&self, out_row: usize) -> (usize, Option<(&Pixel, &Pixel)>) {
        let out_height = self.out_size().0;
        let (plane, row) = (out_row / out_height, out_row % out_height);
        let block = plane % self.n_blocks;
        let first = plane * self.extent.plane() + 2 * row * self.extent.width;
        (
            first,
            self.norm
                .map(|norm| (&norm.scale[block], &norm.shift[block])),
        )
    }

    /// `[n, blocks, floor(y / 2), floor(x / 2), 16]`.
    fn forward<S: Simd>(&self, s: S) -> Activations {
        let (out_height, out_width) = self.out_size();
        let n_rows = self.extent.n * self.n_blocks * out_height;
        let mut out = Activations::stale(self.pixels.precision(), n_rows * out_width);
        if n_rows * out_width > 0 {
            with_pixels!(PixelsMut, to = out.pixels_mut() => self.pool(s, to));
        }
        out
    }

    fn pool<S: Simd, E: Stored>(&self, s: S, out: &mut [PixelOf<E>]) {
        let pixels = E::pixels(self.pixels);
        let rows = out.par_chunks_exact_mut(self.out_size().1).enumerate();
        rows.with_min_len(ROWS).for_each(|(out_row, to)| {
            let (first, norm) = self.rows(out_row);
            let width = self.extent.width;
            let top = &pixels[first..first + width];
            let bottom = &pixels[first + width..first + 2 * width];
            s.run(PoolRow {
                top,
                bottom,
                norm,
                to,
            });
        });
    }

    /// The gradient of the layer, after its norm; it goes to the first of equal maxima.
    fn backward<S: Simd>(&self, s: S, gradient: Pixels<'_>) -> Activations {
        let Extent { n, height, width } = self.extent;
        let n_pixels = n * self.n_blocks * height * width;
        let mut dx = Activations::stale(self.pixels.precision(), n_pixels);
        if n_pixels > 0 {
            with_pixels!(PixelsMut, dx = dx.pixels_mut() => self.pool_back(s, gradient, dx));
        }
        dx
    }

    fn pool_back<S: Simd, E: Stored>(&self, s: S, gradient: Pixels<'_>, dx: &mut [PixelOf<E>]) {
        let (out_height, out_width) = self.out_size();
        let Extent { height, width, .. } = self.extent;
        let (pixels, gradient) = (E::pixels(self.pixels), E::pixels(gradient));
        dx.par_chunks_exact_mut(height * width)
            .enumerate()
            .for_each(|(plane, dx)| {
                for (row, dx) in dx.chunks_mut(2 * width).enumerate() {
                    if dx.len() < 2 * width || out_width == 0 {
                        dx.fill([E::default(); LANES]);
                        continue;
                    }
                    let out_row = plane * out_height + row;
                    let (first, norm) = self.rows(out_row);
                    let top = &pixels[first..first + width];
                    let bottom = &pixels[first + width..first + 2 * width];
                    let gradient = &gradient[out_row * out_width..][..out_width];
                    let (to_top, to_bottom) = dx.split_at_mut(width);
                    s.run(PoolRowBackward {
                        top,
                        bottom,
                        norm,
                        gradient,
                        to_top,
                        to_bottom,
                    });
                }
            });
    }
}

/// The four values under a pixel of the result, with their norm and ReLU.
#[inline(always)]
fn four<S: Simd, E: Stored>(
    s: S,
    top: &[PixelOf<E>],
    bottom: &[PixelOf<E>],
    norm: Option<(S::V, S::V)>,
) -> [S::V; 4] {
    let mut values = [
        s.read(&top[0]),
        s.read(&top[1]),
        s.read(&bottom[0]),
        s.read(&bottom[1]),
    ];
    if let Some((scale, shift)) = norm {
        for value in &mut values {
            *value = s.max(s.mul_add(*value, scale, shift), s.zero());
        }
    }
    values
}

#[inline(always)]
fn largest<S: Simd>(s: S, [a, b, c, d]: [S::V; 4]) -> S::V {
    s.max(s.max(a, b), s.max(c, d))
}

struct PoolRow<'a, E> {
    top: &'a [PixelOf<E>],
    bottom: &'a [PixelOf<E>],
    norm: Option<(&'a Pixel, &'a Pixel)>,
    to: &'a mut [PixelOf<E>],
}

impl<E: Stored> Kernel for PoolRow<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let norm = self
            .norm
            .map(|(scale, shift)| (s.read(scale), s.read(shift)));
        let pairs = self.top.chunks_exact(2).zip(self.bottom.chunks_exact(2));
        for ((top, bottom), to) in pairs.zip(self.to) {
            s.write(to, largest(s, four(s, top, bottom, norm)));
        }
    }
}

struct PoolRowBackward<'a, E> {
    top: &'a [PixelOf<E>],
    bottom: &'a [PixelOf<E>],
    norm: Option<(&'a Pixel, &'a Pixel)>,
    gradient: &'a [PixelOf<E>],
    to_top: &'a mut [PixelOf<E>],
    to_bottom: &'a mut [PixelOf<E>],
}

impl<E: Stored> Kernel for PoolRowBackward<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let norm = self
            .norm
            .map(|(scale, shift)| (s.read(scale), s.read(shift)));
        let pairs = self.top.chunks_exact(2).zip(self.bottom.chunks_exact(2));
        let to_top = self.to_top.chunks_mut(2);
        let to_bottom = self.to_bottom.chunks_mut(2);
        for (((top, bottom), gradient), (to_top, to_bottom)) in
            pairs.zip(self.gradient).zip(to_top.zip(to_bottom))
        {
            let values = four(s, top, bottom, norm);
            let most = largest(s, values);
            let mut rest = s.read(gradient);
            let mut shares = [rest; 4];
            for (share, value) in shares.iter_mut().zip(values) {
                let passed_on = s.relu_mask(s.sub(most, value), rest);
                *share = s.sub(rest, passed_on);
                rest = passed_on;
            }
            s.write(&mut to_top[0], shares[0]);
            s.write(&mut to_top[1], shares[1]);
            s.write(&mut to_bottom[0], shares[2]);
            s.write(&mut to_bottom[1], shares[3]);
        }
        if self.top.len() % 2 == 1 {
            for last in [self.to_top.last_mut(), self.to_bottom.last_mut()]
                .into_iter()
                .flatten()
            {
                *last = [E::default(); LANES];
            }
        }
    }
}
