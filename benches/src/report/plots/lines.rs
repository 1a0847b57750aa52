//! How a figure grows: a line per contestant, sizes on a logarithmic axis, and the goal across.

use std::collections::BTreeMap;

use plotters::chart::ChartBuilder;
use plotters::coord::combinators::IntoLogRange as _;
use plotters::prelude::{Circle, LineSeries, Text};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use strongroom_bench_store::Result;

use super::{Area, GRID, Goal, INK, Measured, colour, goal_text, text};
use crate::report::tables::short;

/// Of a panel.
pub(super) const HEIGHT: u32 = 300;

/// Draws the series of `row` along its axis.
pub(super) fn draw(area: &Area<'_>, row: &Measured) -> Result<()> {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for series in &row.series {
        if let Some(place) = series.at {
            lines
                .entry(&series.name)
                .or_default()
                .push((place, series.spread().median));
        }
    }
    let wanted = row
        .series
        .iter()
        .filter_map(|series| Some((series.name.as_str(), series.goal?)));
    let mut goals: Vec<(&str, Goal)> = wanted.collect();
    goals.dedup_by_key(|(_, goal)| goal.limit());
    let points = || lines.values().flatten().copied();
    let (least, most) = points().fold((f64::INFINITY, 0.0_f64), |(least, most), (place, _)| {
        (least.min(place), most.max(place))
    });
    let figures = points().map(|(_, figure)| figure);
    let top = figures
        .chain(goals.iter().map(|(_, goal)| goal.limit()))
        .filter(|figure| figure.is_finite())
        .fold(0.0, f64::max);
    let top = if top > 0.0 { top * 1.2 } else { 1.0 };
    let (from, to) = (least * 0.8, most * 2.5);
    let mut chart = ChartBuilder::on(area)
        .caption(row.workload.as_str(), text(14, INK))
        .margin(10)
        .margin_right(30)
        .x_label_area_size(46)
        .y_label_area_size(84)
        .build_cartesian_2d((from..to).log_scale(), 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc(format!(
            "{} (logarithmic)",
            row.axis.as_deref().unwrap_or_default()
        ))
        .y_desc(row.unit.as_str())
        .x_label_formatter(&|place| format!("{place}"))
        .y_label_formatter(&|figure| short(*figure))
        .y_labels(6)
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.0))
        .axis_desc_style(text(12, INK))
        .label_style(text(11, INK))
        .draw()?;
    let beside = |colour, above| {
        let side = if above { VPos::Bottom } else { VPos::Top };
        text(12, colour).pos(Pos::new(HPos::Left, side))
    };
    // Where every line has a goal of its own, it has the line's colour.
    let is_common = goals.len() < 2;
    for (name, goal) in goals {
        let (limit, colour) = (goal.limit(), if is_common { INK } else { colour(name) });
        chart.draw_series(LineSeries::new(
            [(from, limit), (to, limit)],
            colour.stroke_width(1),
        ))?;
        let label = (from * 1.02, limit + top * 0.01);
        chart.draw_series([Text::new(goal_text(goal), label, beside(colour, true))])?;
    }
    for (number, (name, mut points)) in lines.into_iter().enumerate() {
        points.sort_by(|(place, _), (other, _)| place.total_cmp(other));
        let colour = colour(name);
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        let last = points.last().copied().unwrap_or_default();
        let label = format!("{name}: {}", short(last.1));
        // Two lines that end together are labelled above and below.
        let place = (last.0 + (to - from) * 0.008, last.1);
        chart.draw_series([Text::new(label, place, beside(colour, number > 0))])?;
    }
    Ok(())
}
