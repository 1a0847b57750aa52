//! How a figure grows: a line per contestant, sizes on a logarithmic axis, and the goal across.

use std::collections::BTreeMap;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::combinators::{IntoLogRange as _, LogCoord};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{Cartesian2d, Circle, LineSeries, RGBColor, SVGBackend, Text, TextStyle};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use strongroom_bench_store::Result;

use super::{Area, GRID, Goal, INK, Measured, colour, goal_text, text};
use crate::report::tables::short;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, RangedCoordf64>>;

/// Of a panel.
pub(super) const HEIGHT: u32 = 300;

/// What is drawn, and how far it reaches.
struct Lines<'a> {
    /// Size and figure, by the name of the line.
    lines: BTreeMap<&'a str, Vec<(f64, f64)>>,
    goals: Vec<(&'a str, Goal)>,
    from: f64,
    to: f64,
    top: f64,
}

impl<'a> Lines<'a> {
    fn of(row: &'a Measured) -> Self {
        let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for series in &row.series {
            if let Some(place) = series.at {
                let point = (place, series.spread().median);
                lines.entry(&series.name).or_default().push(point);
            }
        }
        for points in lines.values_mut() {
            points.sort_by(|(place, _), (other, _)| place.total_cmp(other));
        }
        let wanted = row
            .series
            .iter()
            .filter_map(|series| Some((series.name.as_str(), series.goal?)));
        let mut goals: Vec<(&str, Goal)> = wanted.collect();
        goals.dedup_by_key(|(_, goal)| goal.limit());
        let points = || lines.values().flatten().copied();
        let limits = goals.iter().map(|(_, goal)| goal.limit());
        let figures = points().map(|(_, figure)| figure).chain(limits);
        let top = figures.filter(|figure| figure.is_finite()).fold(0.0, f64::max);
        Self {
            from: points().map(|(place, _)| place).fold(f64::INFINITY, f64::min) * 0.8,
            to: points().map(|(place, _)| place).fold(0.0, f64::max) * 2.5,
            top: if top > 0.0 { top * 1.2 } else { 1.0 },
            goals,
            lines,
        }
    }

    /// Lines across, in ink if there is one for all and else in the colour of the line each belongs to.
    fn draw_goals(&self, chart: &mut Chart<'_, '_>) -> Result<()> {
        for (name, goal) in &self.goals {
            let limit = goal.limit();
            let colour = if self.goals.len() < 2 { INK } else { colour(name) };
            let line = [(self.from, limit), (self.to, limit)];
            chart.draw_series(LineSeries::new(line, colour.stroke_width(1)))?;
            let place = (self.from * 1.02, limit + self.top * 0.01);
            chart.draw_series([Text::new(goal_text(*goal), place, beside(colour, VPos::Bottom))])?;
        }
        Ok(())
    }

    /// Each with its name and last figure at its end; two that end together are labelled above and below.
    fn draw_lines(&self, chart: &mut Chart<'_, '_>) -> Result<()> {
        for ((name, points), side) in self
            .lines
            .iter()
            .zip([VPos::Bottom, VPos::Top].into_iter().cycle())
        {
            let colour = colour(name);
            chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
            let (place, figure) = points.last().copied().unwrap_or_default();
            let label = format!("{name}: {}", short(figure));
            let place = (place + (self.to - self.from) * 0.008, figure);
            chart.draw_series([Text::new(label, place, beside(colour, side))])?;
        }
        Ok(())
    }
}

fn beside(colour: RGBColor, side: VPos) -> TextStyle<'static> {
    text(12, colour).pos(Pos::new(HPos::Left, side))
}

/// Draws the series of `row` along its axis.
pub(super) fn draw(area: &Area<'_>, row: &Measured) -> Result<()> {
    let lines = Lines::of(row);
    let mut chart = ChartBuilder::on(area)
        .caption(row.workload.as_str(), text(14, INK))
        .margin(10)
        .margin_right(30)
        .x_label_area_size(46)
        .y_label_area_size(84)
        .build_cartesian_2d((lines.from..lines.to).log_scale(), 0.0..lines.top)?;
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
    lines.draw_goals(&mut chart)?;
    lines.draw_lines(&mut chart)
}
