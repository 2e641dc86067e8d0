//! A report as one HTML page that needs nothing else: no network, no other file.
//!
//! ```text
//! Report ─ Section ─ Block ─┬─ Verdict, Table, Ledger, Figure, Facts, ...
//!                           └─ Missing: a sentence that says why something is not there
//! Report::to_html ─ the page        Report::files ─ each figure as PNG and SVG, to lie beside it
//! ```
//!
//! Figures and tables are numbered in the order of the page. The page's policy lets nothing reach
//! out: styles and the script are in it, the script by its hash, pictures are in it as data.

mod audit;
mod figure;
mod gallery;
mod ledger;
mod page;
mod shown;
mod turntable;

pub use audit::{our_rows, printed_rows};
pub use figure::{Figure, FigureFile};
pub use gallery::{Gallery, SliceGroup, SliceView};
pub use ledger::Ledger;
pub use turntable::{Turntable, TurntableModel};

use crate::table::Table;

/// What a report says.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The title.
    pub title: String,
    /// What it is about, in a line.
    pub subtitle: String,
    /// What must be known before anything else is read.
    pub warnings: Vec<String>,
    /// The sections, from the top.
    pub sections: Vec<Section>,
    /// The last line.
    pub colophon: String,
}

/// A part of a report under a heading.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Its anchor: lower-case letters and hyphens.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What stands in it.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading within the section.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// Why something is not there.
    Missing(String),
    /// A question and its answer.
    Verdict(Verdict),
    /// A table.
    Table(Table),
    /// A long table that sorts and filters.
    Ledger(Ledger),
    /// A figure.
    Figure(Figure),
    /// Names and what belongs to them.
    Facts(Vec<(String, String)>),
    /// Text to be shown as it is, folded under its title.
    Listing {
        /// The title.
        title: String,
        /// The text.
        text: String,
    },
}

/// A question and its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What it is about, for example the organ.
    pub about: String,
    /// The answer in a word or two; empty for none.
    pub label: String,
    /// How the label is coloured.
    pub tone: Tone,
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// What must be known beside it.
    pub notes: Vec<String>,
}

/// How an answer is coloured; the words say the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither.
    #[default]
    Open,
    /// Yes.
    Good,
    /// No.
    Bad,
}

impl Section {
    /// A section without blocks.
    pub fn new(id: &str, title: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            blocks: Vec::new(),
        }
    }

    /// Adds a block, or the sentence that says why it is missing.
    pub fn push(&mut self, block: Result<Block, String>) {
        self.blocks.push(block.unwrap_or_else(Block::Missing));
    }
}

impl Report {
    /// The page.
    pub fn to_html(&self) -> String {
        page::write(self)
    }

    /// The figures' files, in the order of the page.
    pub fn files(&self) -> impl Iterator<Item = &FigureFile> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        let figures = blocks.filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        });
        figures.flat_map(|figure| &figure.files)
    }
}
