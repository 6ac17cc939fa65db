//! Ratios by workload: glassloop as a bar from 1, the others as dots.

use super::{Axis, Svg, colour};
use crate::runner::peers::{OURS, UNIT};
use crate::runner::report::Report;

const ROW: f64 = 22.0;
const TOP: f64 = 64.0;
const LEFT: f64 = 190.0;
const WIDTH: f64 = 860.0;

pub fn draw(report: &Report) -> String {
    let bottom = TOP + ROW * report.rows.len() as f64;
    let mut svg = Svg::new(WIDTH, bottom + 34.0);
    let axis = Axis { values: (0.02, 50.0), places: (LEFT, WIDTH - 20.0) };
    svg.text(
        (12.0, 20.0),
        "start",
        "Processor time as a multiple of tokio's (logarithmic; left is faster)",
    );
    let others: Vec<_> = report.runtimes.iter().copied().filter(|name| *name != UNIT).collect();
    svg.legend((16.0, 44.0), &others);
    for value in [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0] {
        let x = axis.place(value);
        svg.grid((x, TOP - 8.0), (x, bottom));
        svg.text((x, bottom + 16.0), "middle", &value.to_string());
    }
    let one = axis.place(1.0);
    svg.line((one, TOP - 8.0), (one, bottom), 2.0, colour(UNIT));
    for place in 0..report.rows.len() {
        row(&mut svg, report, place, axis);
    }
    svg.text(
        (12.0, bottom + 30.0),
        "start",
        "bar: glassloop · tick: its target · line at 1: tokio · at an edge: beyond it",
    );
    svg.finish()
}

fn row(svg: &mut Svg, report: &Report, place: usize, axis: Axis) {
    let (row, rounds) = &report.rows[place];
    let y = TOP + ROW * (place as f64 + 0.5);
    svg.text((LEFT - 10.0, y + 4.0), "end", row.workload);
    for runtime in report.runtimes.iter().filter(|name| **name != UNIT) {
        let Some(ratio) = rounds.ratio(runtime) else { continue };
        let x = axis.place(ratio.median);
        if *runtime == OURS {
            svg.line((axis.place(1.0), y), (x, y), 9.0, colour(OURS));
        } else {
            let title = format!("{runtime}: {:.2}", ratio.median);
            svg.dot((x, y), 4.0, colour(runtime), &title);
        }
    }
    if let Some(target) = row.target.map(|target| axis.place(target)) {
        svg.line((target, y - 8.0), (target, y + 8.0), 2.0, colour(OURS));
    }
}
