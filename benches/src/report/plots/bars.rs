//! Horizontal bars with a mark where the goal is. Ratios are on a logarithmic scale around 1.

use plotters::prelude::{PathElement, Rectangle};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use strongroom_bench_store::Result;

use super::{Area, GRID, Goal, INK, WIDTH, colour, goal_text, text};
use crate::report::tables::short;
use crate::rounds::Spread;

/// One panel.
pub(super) struct Bars {
    pub(super) title: String,
    /// Where bars begin: 1 for ratios, 0 for figures.
    pub(super) begin: f64,
    pub(super) bars: Vec<Bar>,
}

/// One bar.
pub(super) struct Bar {
    label: String,
    spread: Spread,
    goal: Option<Goal>,
}

impl Bar {
    pub(super) fn new(label: &str, spread: Spread, goal: Option<Goal>) -> Self {
        Self {
            label: label.to_owned(),
            spread,
            goal,
        }
    }
}

/// From figures to pixels.
struct Scale {
    low: f64,
    high: f64,
    is_logarithmic: bool,
}

impl Scale {
    fn of(bars: &Bars) -> Self {
        let spreads = bars.bars.iter().map(|bar| bar.spread);
        let ends = spreads.flat_map(|spread| [spread.min, spread.max]);
        let goals = bars.bars.iter().filter_map(|bar| bar.goal.map(Goal::limit));
        let figures: Vec<f64> = ends.chain(goals).filter(|figure| figure.is_finite()).collect();
        let greatest = figures.iter().copied().fold(0.0, f64::max);
        if bars.begin == 0.0 {
            let least = figures.iter().copied().fold(0.0, f64::min);
            let high = if greatest > 0.0 { greatest * 1.05 } else { 1.0 };
            return Self {
                low: least,
                high,
                is_logarithmic: false,
            };
        }
        let positive = figures.iter().copied().filter(|figure| *figure > 0.0);
        let least = positive.fold(f64::INFINITY, f64::min);
        Self {
            low: 10_f64.powf(least.min(0.5).log10().floor()),
            high: 10_f64.powf(greatest.max(2.0).log10().ceil()),
            is_logarithmic: true,
        }
    }

    fn x(&self, figure: f64) -> i32 {
        let share = if self.is_logarithmic {
            (figure.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (figure - self.low) / (self.high - self.low)
        };
        LEFT + (share.clamp(0.0, 1.0) * f64::from(RIGHT - LEFT)) as i32
    }

    /// Where the grid has lines.
    fn ticks(&self) -> Vec<f64> {
        if self.is_logarithmic {
            let decades = (self.high / self.low).log10().round() as i32;
            (0..=decades)
                .map(|decade| self.low * 10_f64.powi(decade))
                .collect()
        } else {
            (0..=4)
                .map(|quarter| self.low + (self.high - self.low) * f64::from(quarter) / 4.0)
                .collect()
        }
    }
}

impl Bars {
    pub(super) fn height(&self) -> u32 {
        TOP as u32 + BAR as u32 * self.bars.len() as u32 + BOTTOM
    }

    pub(super) fn draw(&self, area: &Area<'_>) -> Result<()> {
        let scale = Scale::of(self);
        let end = TOP + BAR * self.bars.len() as i32;
        area.draw_text(&self.title, &text(14, INK), (16, 4))?;
        let below = text(11, INK).pos(Pos::new(HPos::Center, VPos::Top));
        for tick in scale.ticks() {
            let x = scale.x(tick);
            area.draw(&PathElement::new([(x, TOP), (x, end)], GRID.stroke_width(1)))?;
            area.draw_text(&short_tick(tick), &below, (x, end + 4))?;
        }
        let begin = scale.x(self.begin);
        area.draw(&PathElement::new(
            [(begin, TOP), (begin, end)],
            INK.stroke_width(1),
        ))?;
        for (number, bar) in self.bars.iter().enumerate() {
            bar.draw(area, &scale, (begin, TOP + BAR * number as i32))?;
        }
        Ok(())
    }
}

impl Bar {
    fn draw(&self, area: &Area<'_>, scale: &Scale, (begin, top): (i32, i32)) -> Result<()> {
        let middle = top + BAR / 2;
        let label = text(12, INK).pos(Pos::new(HPos::Right, VPos::Center));
        area.draw_text(&self.label, &label, (LEFT - 8, middle))?;
        let figure = self.spread.median;
        let goal = self.goal.map_or(String::new(), |goal| {
            let met = if goal.met(figure) { "met" } else { "missed" };
            format!("   {}: {met}", goal_text(goal))
        });
        let beside = text(12, INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(&format!("{}{goal}", short(figure)), &beside, (RIGHT + 8, middle))?;
        if figure.is_finite() {
            let x = scale.x(figure);
            let corners = [(begin.min(x), top + 3), (begin.max(x), top + BAR - 3)];
            area.draw(&Rectangle::new(corners, colour(&self.label).filled()))?;
            let whisker = [
                (scale.x(self.spread.min), middle),
                (scale.x(self.spread.max), middle),
            ];
            area.draw(&PathElement::new(whisker, INK.stroke_width(1)))?;
        }
        if let Some(goal) = self.goal {
            let x = scale.x(goal.limit());
            area.draw(&PathElement::new([(x, top), (x, top + BAR)], INK.stroke_width(3)))?;
        }
        Ok(())
    }
}

/// A figure beside the grid.
fn short_tick(figure: f64) -> String {
    if figure == 0.0 || (0.01..100.0).contains(&figure) {
        format!("{figure:.2}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    } else {
        short(figure)
    }
}

/// The title's room, the height of a bar, and the room of the scale.
const TOP: i32 = 28;
const BAR: i32 = 20;
const BOTTOM: u32 = 34;
/// Labels are left of this, figures and goals right of that.
const LEFT: i32 = 300;
const RIGHT: i32 = WIDTH as i32 - 210;
