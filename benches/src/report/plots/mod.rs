//! A report as plots: one SVG per row, with a panel for each of its workloads. Ratios are bars that begin at
//! 1, figures are bars that begin at 0, and what grows is a line.
//!
//! Text is text and no outline, in whatever the reader has for sans-serif. Colours turn in dark mode.

mod bars;
mod lines;

use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea as _, RGBColor, SVGBackend, TextStyle};
use plotters::style::IntoFont as _;
use strongroom_bench_store::Result;

use super::{Goal, Measured, Report};
use bars::{Bar, Bars};

/// What is drawn on.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The file of a row.
pub(crate) fn file_name(id: &str) -> String {
    format!("{}.svg", id.to_lowercase())
}

/// Draws every row of the report into a file in `dir`.
pub(crate) fn draw(report: &Report, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    for id in report.ids() {
        let rows: Vec<&Measured> = report.rows.iter().filter(|row| row.id == id).collect();
        let note = if report.smoke {
            " (smoke run: the figures mean nothing)"
        } else {
            ""
        };
        let path = dir.join(file_name(id));
        fs::write(&path, row(&rows, note)?).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// One part of a plot, with its height in pixels.
enum Panel<'a> {
    Lines(&'a Measured),
    Bars(Bars),
}

impl Panel<'_> {
    fn height(&self) -> u32 {
        match self {
            Self::Lines(_) => lines::HEIGHT,
            Self::Bars(bars) => bars.height(),
        }
    }
}

fn panels(row: &Measured) -> Vec<Panel<'_>> {
    let ratios = (!row.ratios.is_empty()).then(|| {
        Panel::Bars(Bars {
            title: format!("{}: ratio", row.title()),
            begin: 1.0,
            bars: row
                .ratios
                .iter()
                .map(|ratio| Bar::new(&ratio.name, ratio.spread, ratio.goal))
                .collect(),
        })
    });
    let figures = match (&row.axis, &ratios) {
        (Some(_), _) => Some(Panel::Lines(row)),
        (None, Some(_)) => None,
        (None, None) => Some(Panel::Bars(Bars {
            title: format!("{}: {}", row.workload, row.unit),
            begin: 0.0,
            bars: row
                .series
                .iter()
                .map(|series| Bar::new(&series.label(), series.spread(), series.goal))
                .collect(),
        })),
    };
    figures.into_iter().chain(ratios).collect()
}

fn row(rows: &[&Measured], note: &str) -> Result<String> {
    let panels: Vec<_> = rows.iter().flat_map(|row| panels(row)).collect();
    let height = HEAD + panels.iter().map(Panel::height).sum::<u32>();
    let id = rows.first().map_or("", |row| row.id.as_str());
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&PAPER)?;
        root.draw_text(&format!("{id}{note}"), &text(18, INK), (16, 12))?;
        let mut top = HEAD;
        for panel in &panels {
            let area = root.clone().shrink((0, top), (WIDTH, panel.height()));
            match panel {
                Panel::Lines(row) => lines::draw(&area, row)?,
                Panel::Bars(bars) => bars.draw(&area)?,
            }
            top += panel.height();
        }
        root.present()?;
    }
    Ok(with_dark_mode(&svg))
}

/// Other colours for ink and paper where the reader prefers dark ones.
fn with_dark_mode(svg: &str) -> String {
    let rules: String = DARK
        .iter()
        .map(|(light, dark)| {
            format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
        })
        .collect();
    let style = format!("<style>@media (prefers-color-scheme: dark){{{rules}}}</style>");
    match svg.split_once(">\n") {
        Some((opening, rest)) => format!("{opening}>\n{style}\n{rest}"),
        None => svg.to_owned(),
    }
}

fn text(size: i32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}

/// Each layout has a colour of its own wherever it appears.
fn colour(name: &str) -> RGBColor {
    match name {
        name if name.starts_with("ours, files") => FILES,
        name if name.starts_with("ours, fjall") => FJALL,
        _ => ENGINE,
    }
}

fn goal_text(goal: Goal) -> String {
    format!("goal {}", goal.text())
}

const WIDTH: u32 = 900;
/// Above the first panel.
const HEAD: u32 = 36;

const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const GRID: RGBColor = RGBColor(0xd1, 0xd9, 0xe0);
const ENGINE: RGBColor = RGBColor(0x3b, 0x7d, 0xd8);
const FILES: RGBColor = RGBColor(0xd9, 0x7a, 0x1e);
const FJALL: RGBColor = RGBColor(0x4a, 0xa3, 0x5a);
/// What becomes of ink, paper and grid in dark mode; the others are readable on both.
const DARK: [(&str, &str); 3] = [
    ("#1F2328", "#E6EDF3"),
    ("#FFFFFF", "#0D1117"),
    ("#D1D9E0", "#3D444D"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Wish;
    use crate::rounds::Series;

    #[test]
    fn a_row_becomes_a_picture_with_its_labels_its_goals_and_dark_colours() -> Result<()> {
        let series = vec![Series::new("ours", vec![2.0]), Series::new("peer", vec![4.0])];
        let wish = Wish::new("ours", "peer", Goal::AtLeast(0.75));
        let compared = Measured::new("B0", "nothing <at all>", "1/s", series).first_versus(&[wish]);
        let places = [10.0, 1000.0].map(|place| Series::new("ours", vec![3.0]).at(place));
        let grown = Measured::new("B0", "something", "ms", places.into()).along("blobs");
        let svg = row(&[&compared, &grown], "")?;
        for part in [
            "<svg",
            "ours / peer",
            "goal ≥ 0.75",
            "nothing &lt;at all&gt;",
            "blobs",
            "prefers-color-scheme",
        ] {
            assert!(svg.contains(part), "{part} is missing in\n{svg}");
        }
        assert!(svg.trim_end().ends_with("</svg>"));
        Ok(())
    }

    #[test]
    fn figures_that_are_all_zero_or_missing_are_drawn_too() -> Result<()> {
        let zero = Measured::new(
            "B0",
            "zero",
            "bytes",
            vec![Series::new("ours", vec![0.0]).at(1.0)],
        )
        .along("MiB");
        let none = Measured::new("B0", "none", "ns", vec![Series::new("ours", Vec::new())]);
        assert!(row(&[&zero, &none], "")?.contains("zero"));
        Ok(())
    }
}
