//! The nets as graphs, operation by operation as their `forward` has them.

use super::graph::{Graph, Value};
use crate::net::{Fcn8s, UNet};

impl UNet {
    /// From a padded, scaled input to padded logits.
    pub(super) fn to_graph(&self, graph: &mut Graph<'_>, x: Value) -> Value {
        let double = |graph: &mut Graph<'_>, name: &str, x: &Value| {
            let x = graph.conv_relu(&format!("{name}.first.conv"), x);
            graph.conv_relu(&format!("{name}.second.conv"), &x)
        };
        let (mut x, mut skips) = (x, Vec::new());
        for level in 0..self.down.len() {
            if level > 0 {
                x = graph.max_pool(&format!("pool.{level}"), &x);
            }
            x = double(graph, &format!("down.{level}"), &x);
            skips.push(x.clone());
        }
        skips.pop();
        for (step, skip) in skips.iter().rev().enumerate() {
            let up = format!("up.{step}");
            let raised = graph.conv_transpose([&up, &format!("{up}.weight")], &x, 2);
            let both = graph.concatenated(&format!("skip.{step}"), skip, &raised);
            x = double(graph, &format!("dec.{step}"), &both);
        }
        graph.conv("out", &x)
    }
}

impl Fcn8s {
    /// From a padded, scaled input to padded logits.
    pub(super) fn to_graph(&self, graph: &mut Graph<'_>, x: Value) -> Value {
        let (mut x, mut pools) = (x, Vec::new());
        for (block_idx, block) in self.blocks.iter().enumerate() {
            for conv_idx in 0..block.len() {
                x = graph.conv_relu(&format!("blocks.{block_idx}.{conv_idx}.conv"), &x);
            }
            x = graph.max_pool(&format!("pool.{block_idx}"), &x);
            pools.push(x.clone());
        }
        for fc in ["fc6", "fc7"] {
            x = graph.conv_relu(fc, &x);
        }
        let mut scores = graph.conv("score_fc7", &x);
        for (upscore, score, pool) in [
            ("upscore_fc7", "score_pool4", &pools[3]),
            ("upscore_pool4", "score_pool3", &pools[2]),
        ] {
            let raised = graph.conv_transpose([&format!("{upscore}.up"), upscore], &scores, 2);
            let own = graph.conv(score, pool);
            scores = graph.op(&format!("{score}.sum"), "Add", &[&raised, &own], &[]);
        }
        graph.conv_transpose(["upscore_pool3.up", "upscore_pool3"], &scores, 8)
    }
}
