//! The nets, layer by layer.

use hardslice_data::balance::Arm;
use hardslice_train::net::{ConvBlock, Fcn8s, Net, NetConfig, UNet};
use hardslice_train::{Model, ModelError, ModelRecord};
use hardslice_view::net_drawing::{LayerBox, LayerKind, draw_net};
use hardslice_view::report::{Block, Figure, Section};

use super::gathered::{Gathered, in_order, listed};

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("nets", "The nets");
    let dirs = gathered.rounds.iter().flat_map(|round| {
        let arms = Arm::ALL.map(|arm| round.dir.arm(arm).training());
        let trainings = [round.dir.pretrained()].into_iter().chain(arms);
        trainings.map(|training| training.model())
    });
    let mut drawn: Vec<NetConfig> = Vec::new();
    for dir in dirs {
        let net = match ModelRecord::read(&dir) {
            Ok(Some(record)) => record.net,
            Ok(None) => continue,
            Err(error) => {
                section.push(Err(unreadable(&error)));
                continue;
            }
        };
        if drawn.contains(&net) {
            continue;
        }
        match Model::read(&dir, &burn::tensor::Device::flex()) {
            Ok(model) => {
                section.blocks.push(Block::Figure(figure(&model)));
                drawn.push(net);
            }
            Err(error) => section.push(Err(unreadable(&error))),
        }
    }
    if drawn.is_empty() {
        section.push(Err("No model is there yet.".to_owned()));
    }
    section
}

fn unreadable(error: &ModelError) -> String {
    format!("A model is left out: {}.", crate::causes::causes(error))
}

fn figure(model: &Model) -> Figure {
    let record = &model.record;
    let organs = in_order(record.organ_names().map(ToString::to_string));
    let (title, stem, layers) = match &model.net {
        Net::UNet(net) => ("U-Net", "unet", of_unet(net, record)),
        Net::Fcn8s(net) => ("FCN-8s on VGG-16", "fcn8s", of_fcn8s(net, record)),
    };
    let chart = draw_net(title, &layers);
    let caption = format!(
        "The {title} with {} trained numbers, here for the {}. Each box is a layer's result: above \
         it its channels, at the left its pixels; dashed, what goes around the coarser levels. \
         {}",
        model.net.n_parameters(),
        listed(&organs),
        chart.description()
    );
    let stem = format!("net-{stem}-{}", record.net.width);
    Figure::of_chart(&chart, &stem, &caption)
}

/// Layers in the order in which they run.
struct Layers {
    boxes: Vec<LayerBox>,
}

impl Layers {
    /// The input, padded so that it can be halved as often as the net does.
    fn of_input(record: &ModelRecord, n_halvings: usize) -> Self {
        let mut layers = Self { boxes: Vec::new() };
        let size = record.size.next_multiple_of(1 << n_halvings);
        let n_channels = record.net.n_channels();
        layers.add("input", n_channels, size, LayerKind::Input);
        layers
    }

    fn size(&self, n_halvings: usize) -> usize {
        self.boxes[0].size >> n_halvings
    }

    fn add(&mut self, name: &str, channels: usize, size: usize, kind: LayerKind) {
        self.boxes.push(LayerBox {
            name: name.to_owned(),
            channels,
            size,
            kind,
            skip_to: None,
        });
    }

    fn convolution(&mut self, name: &str, block: &ConvBlock, size: usize) {
        let [n_out, ..] = block.conv.weight.dims();
        self.add(name, n_out, size, LayerKind::Convolution);
    }

    /// Halves the last layer's result.
    fn pool(&mut self, name: &str) {
        if let Some(last) = self.boxes.last() {
            let (channels, size) = (last.channels, last.size / 2);
            self.add(name, channels, size, LayerKind::Pooling);
        }
    }

    /// Joins the last layer's result with that of an earlier one.
    fn join(&mut self, name: &str, channels: usize, from: usize) {
        if let Some(last) = self.boxes.last() {
            let size = last.size;
            self.boxes[from].skip_to = Some(self.boxes.len());
            self.add(name, channels, size, LayerKind::Join);
        }
    }

    fn last_idx(&self) -> usize {
        self.boxes.len() - 1
    }

    fn finished(mut self, n_organs: usize) -> Vec<LayerBox> {
        self.add("sigmoid", n_organs, self.size(0), LayerKind::Output);
        self.boxes
    }
}

fn of_unet(net: &UNet, record: &ModelRecord) -> Vec<LayerBox> {
    let mut layers = Layers::of_input(record, net.down.len() - 1);
    let mut skips = Vec::new();
    for (level, block) in net.down.iter().enumerate() {
        if level > 0 {
            layers.pool(&format!("pool.{}", level - 1));
        }
        let size = layers.size(level);
        layers.convolution(&format!("down.{level}.first"), &block.first, size);
        layers.convolution(&format!("down.{level}.second"), &block.second, size);
        skips.push((layers.last_idx(), size));
    }
    skips.pop();
    for (step, (up, block)) in net.up.iter().zip(&net.dec).enumerate() {
        let Some((from, size)) = skips.pop() else {
            break;
        };
        let [_, n_out, ..] = up.weight.dims();
        layers.add(&format!("up.{step}"), n_out, size, LayerKind::Upsampling);
        layers.join("concatenated", 2 * n_out, from);
        layers.convolution(&format!("dec.{step}.first"), &block.first, size);
        layers.convolution(&format!("dec.{step}.second"), &block.second, size);
    }
    let [n_organs, ..] = net.out.weight.dims();
    layers.add("out", n_organs, layers.size(0), LayerKind::Score);
    layers.finished(n_organs)
}

fn of_fcn8s(net: &Fcn8s, record: &ModelRecord) -> Vec<LayerBox> {
    let mut layers = Layers::of_input(record, net.blocks.len());
    let mut pools = Vec::new();
    for (level, block) in net.blocks.iter().enumerate() {
        for (conv_idx, conv) in block.iter().enumerate() {
            let name = format!("blocks.{level}.{conv_idx}");
            layers.convolution(&name, conv, layers.size(level));
        }
        layers.pool(&format!("pool{}", level + 1));
        pools.push(layers.last_idx());
    }
    for (name, conv) in [("fc6", &net.fc6), ("fc7", &net.fc7)] {
        let [n_out, ..] = conv.weight.dims();
        layers.add(name, n_out, layers.size(5), LayerKind::Convolution);
    }
    let [n_organs, ..] = net.score_fc7.weight.dims();
    layers.add("score_fc7", n_organs, layers.size(5), LayerKind::Score);
    let mut upsample = |name: &str, n_halvings: usize, skip: Option<(&str, usize)>| {
        layers.add(
            name,
            n_organs,
            layers.size(n_halvings),
            LayerKind::Upsampling,
        );
        if let Some((score, from)) = skip {
            layers.join(score, n_organs, from);
        }
    };
    upsample("upscore_fc7", 4, Some(("+ score_pool4", pools[3])));
    upsample("upscore_pool4", 3, Some(("+ score_pool3", pools[2])));
    upsample("upscore_pool3", 0, None);
    layers.finished(n_organs)
}
