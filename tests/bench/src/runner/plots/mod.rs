//! Plots, written as SVG by hand: text, lines, circles.

pub mod bars;
pub mod curves;

use std::fmt::Write;

use super::peers::PEERS;
use super::python;

/// A picture that grows.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Colours that can be told apart on white and on black; one for each runtime, in the
/// order in which the tables have them.
const COLOURS: [&str; 12] = [
    "#e8590c", "#1c7ed6", "#2f9e44", "#ae3ec9", "#c9930a", "#0c8599", "#e64980", "#7048e8",
    "#3bc9db", "#868e96", "#5c940d", "#a0522d",
];

/// The colour of a runtime, the same in every plot.
pub fn colour(runtime: &str) -> &'static str {
    let names = PEERS.iter().map(|peer| peer.name).chain(python::NAMES);
    let place = names.take_while(|name| *name != runtime).count();
    COLOURS[place % COLOURS.len()]
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Text at a place; `anchor` is `start`, `middle` or `end`.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.add(&format!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
    }

    /// A thin line of the grid.
    pub fn grid(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.add(&format!(
            r#"<line class="grid" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    /// A line in a colour of its own.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(&format!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}" stroke-width="{width}"/>"#
        ));
    }

    /// A dot; `title` is what a pointing reader is told.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str, title: &str) {
        self.add(&format!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}"><title>{title}</title></circle>"#
        ));
    }

    /// Which colour is whose, in a row.
    pub fn legend(&mut self, (mut x, y): (f64, f64), runtimes: &[&str]) {
        for runtime in runtimes {
            self.dot((x, y - 4.0), 4.0, colour(runtime), runtime);
            self.text((x + 8.0, y), "start", runtime);
            x += 26.0 + 7.0 * runtime.len() as f64;
        }
    }

    fn add(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// The whole file. It follows the reader's choice of light or dark.
    pub fn finish(self) -> String {
        let (width, height) = (self.width, self.height);
        let mut file = String::new();
        let _ = write!(
            file,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<style>
  .paper {{ fill: #ffffff }} text {{ fill: #24292f; font: 12px sans-serif }} .grid {{ stroke: #d0d7de }}
  @media (prefers-color-scheme: dark) {{
    .paper {{ fill: #0d1117 }} text {{ fill: #e6edf3 }} .grid {{ stroke: #3d444d }}
  }}
</style>
<rect class="paper" width="{width}" height="{height}"/>
{}</svg>
"#,
            self.body
        );
        file
    }
}

/// A logarithmic axis: from which value to which, at which places.
#[derive(Clone, Copy)]
pub struct Axis {
    pub values: (f64, f64),
    pub places: (f64, f64),
}

impl Axis {
    /// Where a value lies; what is beyond the axis lies at its end.
    pub fn place(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = (value.clamp(low, high) / low).ln() / (high / low).ln();
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    /// The powers of ten on it.
    pub fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = (self.values.0.log10().ceil(), self.values.1.log10().floor());
        (low as i32..=high as i32).map(|power| 10_f64.powi(power))
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Svg, colour};

    #[test]
    fn on_a_logarithmic_axis_equal_ratios_are_equally_far() {
        let axis = Axis { values: (1.0, 100.0), places: (0.0, 200.0) };
        assert_eq!([1.0, 10.0, 100.0].map(|value| axis.place(value)), [0.0, 100.0, 200.0]);
        assert_eq!(axis.place(1e9), 200.0, "what is beyond lies at the end");
        assert_eq!(axis.decades().collect::<Vec<_>>(), [1.0, 10.0, 100.0]);
    }

    #[test]
    fn no_two_runtimes_share_a_colour() {
        assert_ne!(colour("tokio"), colour("glassloop"));
        assert_ne!(colour("asyncio"), colour("uvloop"));
    }

    #[test]
    fn text_cannot_become_markup() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text((0.0, 0.0), "start", "a < b & c");
        assert!(svg.finish().contains("a &lt; b &amp; c"));
    }
}
