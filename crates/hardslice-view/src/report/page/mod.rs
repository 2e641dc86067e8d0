//! The page around the blocks.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::figure::{Body, Figure};
use super::shown::{ShownGroup, ShownModel, ShownPanel};
use super::{Block, Ledger, Report, Tone, Verdict};
use crate::overlay::LegendEntry;
use crate::surface::RAMP;
use crate::table::{Cell, Column, Table};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes the page.
pub(super) fn write(report: &Report) -> String {
    let script_hash = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let page = Page {
        report,
        sections: shown_sections(report),
        style: STYLE,
        script: SCRIPT,
        script_hash,
    };
    page.render()
        .expect("writing to a string fails where a value's text form does, and all are plain text")
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    sections: Vec<ShownSection<'a>>,
    style: &'static str,
    script: &'static str,
    script_hash: String,
}

struct ShownSection<'a> {
    id: &'a str,
    title: &'a str,
    blocks: Vec<Shown<'a>>,
}

/// A block with its number, ready to be written.
enum Shown<'a> {
    Heading(&'a str),
    Text(&'a str),
    Missing(&'a str),
    Verdict(&'a Verdict),
    Table(ShownTable<'a>),
    Ledger(ShownLedger<'a>),
    Figure(ShownFigure<'a>),
    Facts(&'a [(String, String)]),
    Listing { title: &'a str, text: &'a str },
}

struct ShownTable<'a> {
    number: usize,
    title: &'a str,
    columns: &'a [Column],
    rows: Vec<ShownRow>,
    notes: &'a [String],
}

struct ShownRow {
    cells: Vec<ShownCell>,
    /// Whether it begins a group: its first cell differs from the one above.
    begins: bool,
}

struct ShownCell {
    words: String,
    class: &'static str,
}

struct ShownLedger<'a> {
    table: ShownTable<'a>,
    choice: usize,
    choice_title: &'a str,
    choices: &'a [(String, usize)],
    n_all: usize,
}

struct ShownFigure<'a> {
    number: usize,
    caption: &'a str,
    files: Vec<(&'a str, String)>,
    body: ShownBody<'a>,
}

enum ShownBody<'a> {
    Chart(&'a str),
    Gallery {
        groups: &'a [ShownGroup],
        legend: &'a [LegendEntry],
        is_paired: bool,
    },
    Turntable {
        models: &'a [ShownModel],
        limit: String,
        ramp: String,
    },
}

impl ShownPanel {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.caption.lines()
    }
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

fn shown_sections(report: &Report) -> Vec<ShownSection<'_>> {
    let (mut n_tables, mut n_figures) = (0, 0);
    let next = |n: &mut usize| {
        *n += 1;
        *n
    };
    let sections = report.sections.iter().map(|section| {
        let blocks = section.blocks.iter().map(|block| match block {
            Block::Heading(words) => Shown::Heading(words),
            Block::Text(words) => Shown::Text(words),
            Block::Missing(words) => Shown::Missing(words),
            Block::Verdict(verdict) => Shown::Verdict(verdict),
            Block::Table(table) => Shown::Table(shown_table(table, next(&mut n_tables))),
            Block::Ledger(ledger) => Shown::Ledger(shown_ledger(ledger, next(&mut n_tables))),
            Block::Figure(figure) => Shown::Figure(shown_figure(figure, next(&mut n_figures))),
            Block::Facts(facts) => Shown::Facts(facts),
            Block::Listing { title, text } => Shown::Listing { title, text },
        });
        ShownSection {
            id: &section.id,
            title: &section.title,
            blocks: blocks.collect(),
        }
    });
    sections.collect()
}

fn shown_table(table: &Table, number: usize) -> ShownTable<'_> {
    let row = |(i, cells): (usize, &Vec<Cell>)| {
        let above = i.checked_sub(1).and_then(|i| table.rows[i].first());
        let shown = cells.iter().zip(&table.columns);
        ShownRow {
            cells: shown
                .map(|(cell, column)| shown_cell(cell, column))
                .collect(),
            begins: above != cells.first(),
        }
    };
    ShownTable {
        number,
        title: &table.title,
        columns: &table.columns,
        rows: table.rows.iter().enumerate().map(row).collect(),
        notes: &table.notes,
    }
}

fn shown_cell(cell: &Cell, column: &Column) -> ShownCell {
    let words = cell.shown();
    let class = match cell {
        Cell::Words(words) if words == "impossible" => "flag",
        _ if column.is_number => "n",
        _ => "",
    };
    let words = match cell {
        Cell::Number { .. } => words.replace('-', "\u{2212}"),
        _ => words,
    };
    ShownCell { words, class }
}

fn shown_ledger(ledger: &Ledger, number: usize) -> ShownLedger<'_> {
    let columns = &ledger.table.columns;
    ShownLedger {
        table: shown_table(&ledger.table, number),
        choice: ledger.choice,
        choice_title: columns
            .get(ledger.choice)
            .map_or("", |column| &column.title),
        choices: &ledger.choices,
        n_all: ledger.n_all,
    }
}

fn shown_figure(figure: &Figure, number: usize) -> ShownFigure<'_> {
    let files = figure.files.iter().map(|file| {
        let kind = file.name.rsplit('.').next();
        let kind = kind.expect("a split text has at least one part");
        (file.name.as_str(), kind.to_ascii_uppercase())
    });
    let body = match &figure.body {
        Body::Chart(svg) => ShownBody::Chart(svg),
        Body::Gallery {
            groups,
            legend,
            is_paired,
        } => ShownBody::Gallery {
            groups,
            legend,
            is_paired: *is_paired,
        },
        Body::Turntable { models, limit_mm } => ShownBody::Turntable {
            models,
            limit: format!("{limit_mm:.0}"),
            ramp: RAMP.map(crate::palette::Rgb::css).join(","),
        },
    };
    ShownFigure {
        number,
        caption: &figure.caption,
        files: files.collect(),
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curves::DiceHistogram;
    use crate::report::Section;

    fn report(blocks: Vec<Block>) -> String {
        let mut section = Section::new("tables", "Tables");
        section.blocks = blocks;
        Report {
            title: "Liver <script>alert(1)</script> & \"co\"".to_owned(),
            subtitle: "4 arms".to_owned(),
            warnings: vec!["LEAKY: <b>".to_owned()],
            sections: vec![section],
            colophon: String::new(),
        }
        .to_html()
    }

    #[test]
    fn names_cannot_become_markup_anywhere() {
        let hostile = "</td><img src=x onerror=alert(1)>".to_owned();
        let table = Table {
            title: hostile.clone(),
            columns: vec![Column::words("a", &hostile)],
            rows: vec![vec![Cell::words(&hostile)]],
            notes: vec![hostile.clone()],
        };
        let html = report(vec![
            Block::Heading(hostile.clone()),
            Block::Text(hostile.clone()),
            Block::Missing(hostile.clone()),
            Block::Facts(vec![(hostile.clone(), hostile.clone())]),
            Block::Listing {
                title: hostile.clone(),
                text: hostile.clone(),
            },
            Block::Verdict(Verdict {
                about: hostile.clone(),
                label: hostile.clone(),
                question: hostile.clone(),
                answer: hostile.clone(),
                notes: vec![hostile.clone()],
                ..Verdict::default()
            }),
            Block::Ledger(Ledger::bounded(table.clone(), "a", 5)),
            Block::Table(table),
            Block::Figure(Figure::of_chart(
                &DiceHistogram {
                    title: hostile.clone(),
                    ..DiceHistogram::default()
                }
                .to_chart(),
                "chart",
                &hostile,
            )),
        ]);
        assert!(!html.contains("<img src=x"), "markup came through");
        assert!(!html.contains("<script>alert"), "the title came through");
        assert!(
            html.matches("&lt;img src=x").count() + html.matches("&#60;img src=x").count() > 14
        );
    }

    #[test]
    fn the_policy_names_the_script_by_its_hash_and_lets_nothing_out() {
        let html = report(Vec::new());
        let script = html.split("<script>").nth(1).unwrap();
        let script = script.split("</script>").next().unwrap();
        let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
        let policy = html
            .split("Content-Security-Policy\" content=\"")
            .nth(1)
            .unwrap();
        let policy = policy.split('"').next().unwrap();
        assert!(
            policy.contains(&format!("script-src 'sha256-{hash}'")),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        for reaching_out in ["http://", "https://", "src=\"//", "url(", "@import"] {
            let found = html.matches(reaching_out).count();
            let namespaces = html.matches("http://www.w3.org/2000/svg").count();
            let allowed = if reaching_out == "http://" {
                namespaces
            } else {
                0
            };
            assert_eq!(found, allowed, "{reaching_out}");
        }
    }

    #[test]
    fn figures_and_tables_are_numbered_in_the_order_of_the_page() {
        let table = Table {
            title: "first".to_owned(),
            columns: vec![Column::words("a", "a")],
            rows: Vec::new(),
            notes: Vec::new(),
        };
        let chart = DiceHistogram::default().to_chart();
        let figure = Figure::of_chart(&chart, "histogram", "where tau cuts");
        let html = report(vec![
            Block::Table(table.clone()),
            Block::Figure(figure.clone()),
            Block::Ledger(Ledger::bounded(table, "a", 1)),
            Block::Figure(figure),
        ]);
        let places = ["Table 1.", "Figure 1.", "Table 2.", "Figure 2."].map(|name| html.find(name));
        assert!(places.iter().all(Option::is_some), "{places:?}");
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn what_is_missing_leaves_a_sentence() {
        let html = report(vec![Block::Missing("No predictions were kept.".to_owned())]);
        assert!(
            html.contains("class=\"missing\">No predictions were kept."),
            "{html}"
        );
    }
}
