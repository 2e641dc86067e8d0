//! One patient: everything that can be painted, in order.

use hardslice_data::random::Stream;

use crate::body::Frame;
use crate::chest;
use crate::contrast::Contrast;
use crate::gut;
use crate::kidneys::Kidney;
use crate::layer::Layer;
use crate::liver::{self, Liver};
use crate::oddities::Oddities;
use crate::options::PhantomOptions;
use crate::spine;
use crate::spleen::Spleen;
use crate::texture::Texture;
use crate::vessels;
use crate::wall::Wall;

/// One patient's body, ready to be sliced.
pub(crate) struct Scene {
    pub(crate) frame: Frame,
    pub(crate) contrast: Contrast,
    pub(crate) wall: Wall,
    pub(crate) texture: Texture,
    pub(crate) layers: Vec<Layer>,
    pub(crate) liver: Liver,
    pub(crate) kidneys: [Kidney; 2],
    pub(crate) spleen: Spleen,
    /// Where among the layers the liver and its vessels begin and end.
    pub(crate) liver_layers: [usize; 2],
}

impl Scene {
    pub(crate) fn draw(index: usize, options: &PhantomOptions, odd: &Oddities) -> Self {
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
