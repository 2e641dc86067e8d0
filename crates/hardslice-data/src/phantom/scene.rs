//! One patient: everything that can be painted, in order.

use super::body::Frame;
use super::chest;
use super::contrast::Contrast;
use super::gut;
use super::kidneys::Kidney;
use super::layer::Layer;
use super::liver::{self, Liver};
use super::oddities::Oddities;
use super::options::PhantomOptions;
use super::spine;
use super::spleen::Spleen;
use super::texture::Texture;
use super::vessels;
use super::wall::Wall;
use crate::random::Stream;

/// One patient's body, ready to be sliced.
pub(super) struct Scene {
    pub(super) frame: Frame,
    pub(super) contrast: Contrast,
    pub(super) wall: Wall,
    pub(super) texture: Texture,
    pub(super) layers: Vec<Layer>,
    pub(super) liver: Liver,
    pub(super) kidneys: [Kidney; 2],
    pub(super) spleen: Spleen,
    /// Where among the layers the liver and its vessels begin and end.
    pub(super) liver_layers: [usize; 2],
}

impl Scene {
    pub(super) fn draw(index: usize, options: &PhantomOptions, odd: &Oddities) -> Self {
        // Each part has its own stream: what one draws does not change the others.
        let stream = |part: &str| Stream::new(options.seed, &format!("phantom/{index}/{part}"));
        let frame = Frame::draw(&mut stream("frame"));
        let contrast = Contrast::draw(&mut stream("contrast"), &options.phase_weights);
        let wall = Wall::draw(&mut stream("wall"), &contrast);
        let texture = Texture::draw(&mut stream("texture"));
        let kidney = |side, part| Kidney::draw(&mut stream(part), side, odd);
        let (right, left) = (kidney(1.0, "kidney_right"), kidney(-1.0, "kidney_left"));
        let liver = Liver::draw(&mut stream("liver"), odd, &right);
        let spleen = Spleen::draw(&mut stream("spleen"));

        let mut layers = chest::layers(&mut stream("chest"), &contrast);
        layers.extend(vessels::mesentery(&mut stream("mesentery"), &contrast));
        layers.extend(gut::layers(&mut stream("gut"), &frame, &contrast));
        layers.extend(spleen.layers(&contrast));
        let liver_from = layers.len();
        layers.extend(liver::layers(
            &mut stream("liver/inside"),
            &frame,
            &contrast,
            &liver,
        ));
        let liver_layers = [liver_from, layers.len()];
        layers.extend(liver::clefts_and_gallbladder(&mut stream("liver/clefts")));
        layers.extend(right.layers(&mut stream("kidney_right/inside"), &contrast));
        layers.extend(left.layers(&mut stream("kidney_left/inside"), &contrast));
        layers.extend(vessels::muscles(&mut stream("muscles"), &contrast));
        layers.extend(vessels::great(
            &mut stream("vessels"),
            &contrast,
            &right,
            &left,
        ));
        layers.extend(spine::layers(&mut stream("spine"), &contrast));
        let kidneys = [right, left];
        Self {
            frame,
            contrast,
            wall,
            texture,
            layers,
            liver,
            kidneys,
            spleen,
            liver_layers,
        }
    }
}
