//! Cost against scale: one line for each runtime. What is O(1) is level.

use super::{Axis, Svg, colour};
use crate::runner::result::Outcome;
use crate::runner::rounds::Rounds;
use crate::runner::scales::Scale;
use crate::runner::table::time;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;

/// Each point is a scale and what was measured there.
pub fn draw(scale: &Scale, points: &[(u64, Rounds)], runtimes: &[&str]) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.text((12.0, 20.0), "start", scale.title);
    let drawn: Vec<_> =
        runtimes.iter().copied().filter(|name| !line(points, name).is_empty()).collect();
    svg.legend((16.0, 44.0), &drawn);
    let most = points.last().map_or(10, |(scale, _)| *scale).max(10);
    let across = Axis { values: (1.0, most as f64), places: (80.0, WIDTH - 30.0) };
    let up = Axis { values: range(points, &drawn), places: (HEIGHT - 40.0, 64.0) };
    for value in across.decades() {
        let x = across.place(value);
        svg.grid((x, up.places.0), (x, up.places.1));
        svg.text((x, HEIGHT - 22.0), "middle", &format!("{value}"));
    }
    for value in up.decades() {
        let y = up.place(value);
        svg.grid((across.places.0, y), (across.places.1, y));
        svg.text((across.places.0 - 8.0, y + 4.0), "end", &time(value));
    }
    for runtime in drawn {
        curve(&mut svg, &line(points, runtime), runtime, across, up);
    }
    svg.finish()
}

fn curve(svg: &mut Svg, line: &[(f64, f64)], runtime: &str, across: Axis, up: Axis) {
    let place = |&(scale, cost): &(f64, f64)| (across.place(scale), up.place(cost));
    for pair in line.windows(2) {
        svg.line(place(&pair[0]), place(&pair[1]), 2.0, colour(runtime));
    }
    for point in line {
        let title = format!("{runtime}, {}: {}", point.0, time(point.1));
        svg.dot(place(point), 3.5, colour(runtime), &title);
    }
}

/// Scale and cost, for one runtime.
fn line(points: &[(u64, Rounds)], runtime: &str) -> Vec<(f64, f64)> {
    let costs = points.iter().filter_map(|(scale, rounds)| {
        Some((*scale as f64, rounds.values(runtime, Outcome::cpu)?.median))
    });
    costs.collect()
}

/// Whole decades around all costs, so that no slope looks steeper than it is.
fn range(points: &[(u64, Rounds)], runtimes: &[&str]) -> (f64, f64) {
    let costs = || runtimes.iter().flat_map(|name| line(points, name)).map(|(_, cost)| cost);
    let low = costs().fold(f64::INFINITY, f64::min).max(1.0);
    let high = costs().fold(1.0, f64::max).max(low);
    (10_f64.powf(low.log10().floor()), 10_f64.powf(high.log10().floor() + 1.0))
}
