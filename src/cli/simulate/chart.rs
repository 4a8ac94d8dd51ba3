//! Latency against budget, drawn: an SVG that needs no font and no script, and reads on light and on dark.

use std::fmt::Write;

/// What is drawn.
#[derive(Debug, Default)]
pub(super) struct Chart {
    /// What the workload is.
    pub(super) title: String,
    /// The daemon's own policy, the smallest budget first.
    pub(super) learned: Vec<Spot>,
    /// What nobody can do better.
    pub(super) optimum: Vec<Spot>,
    /// Others' schedules by name.
    pub(super) others: Vec<(String, Spot)>,
}

/// Seconds to notice at a budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// Requests a second, on average.
    pub(super) rate: f64,
    /// Requests an order.
    pub(super) looks: f64,
    pub(super) mean_s: f64,
    pub(super) p95_s: f64,
}

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 850.0;
const TOP: f64 = 74.0;
const BOTTOM: f64 = 452.0;

/// Two names are not written nearer than this.
const APART: (f64, f64) = (150.0, 15.0);

const STYLE: &str = "
  .paper{fill:#ffffff}.ink{fill:#1f2328}.soft{fill:#656d76}.grid{stroke:#d8dee4}.own{stroke:#0969da}.own-ink{fill:#0969da}
  .best{stroke:#1a7f37}.best-ink{fill:#1a7f37}.other{stroke:#bc4c00}.other-ink{fill:#bc4c00}
  @media (prefers-color-scheme:dark){.paper{fill:#16181d}.ink{fill:#e6edf3}.soft{fill:#8b949e}.grid{stroke:#30363d}
  .own{stroke:#58a6ff}.own-ink{fill:#58a6ff}.best{stroke:#7ee787}.best-ink{fill:#7ee787}.other{stroke:#ffa657}
  .other-ink{fill:#ffa657}}";

/// A logarithmic scale from values to places.
#[derive(Clone, Copy, Debug)]
struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let (least, most) =
            values.fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
        Self { from: least / 1.25, to: most * 1.25, start, end }
    }

    fn at(self, value: f64) -> f64 {
        self.start + (value.max(1e-6) / self.from).ln() / (self.to / self.from).ln() * (self.end - self.start)
    }

    /// 1, 2 and 5 of every ten.
    fn ticks(self) -> impl Iterator<Item = f64> {
        let steps = (-6..9).flat_map(|ten| [1.0, 2.0, 5.0].map(|step| step * 10.0_f64.powi(ten)));
        steps.filter(move |tick| (self.from..=self.to).contains(tick))
    }
}

impl Chart {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let spots = || self.learned.iter().chain(&self.optimum).chain(self.others.iter().map(|(_, spot)| spot));
        let x = Scale::of(spots().map(|spot| spot.rate), LEFT, RIGHT);
        let y = Scale::of(spots().flat_map(|spot| [spot.mean_s, spot.p95_s]), BOTTOM, TOP);
        let mut svg = String::new();
        self.draw(x, y, &mut svg).map(|()| svg).unwrap_or_default()
    }

    fn draw(&self, x: Scale, y: Scale, svg: &mut String) -> std::fmt::Result {
        let title = escaped(&self.title);
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif\" font-size=\"12\">"
        )?;
        writeln!(
            svg,
            "<title>{title}</title><style>{STYLE}</style><rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\"/>"
        )?;
        writeln!(svg, "<text class=\"ink\" x=\"16\" y=\"28\" font-size=\"16\" font-weight=\"600\">{title}</text>")?;
        legend(svg)?;
        axes(x, y, self.looks_at_one(), svg)?;
        let curve = |spots: &[Spot], of: fn(&Spot) -> f64| {
            let points = spots.iter().map(|spot| format!("{:.1},{:.1}", x.at(spot.rate), y.at(of(spot))));
            points.collect::<Vec<_>>().join(" ")
        };
        let line = |class: &str, dash: &str, points: &str| {
            format!(
                "<polyline class=\"{class}\" fill=\"none\" stroke-width=\"2\" stroke-dasharray=\"{dash}\" points=\"{points}\"/>"
            )
        };
        writeln!(svg, "{}", line("best", "2 3", &curve(&self.optimum, |spot| spot.mean_s)))?;
        writeln!(svg, "{}", line("own", "7 4", &curve(&self.learned, |spot| spot.p95_s)))?;
        writeln!(svg, "{}", line("own", "none", &curve(&self.learned, |spot| spot.mean_s)))?;
        for spot in &self.learned {
            writeln!(
                svg,
                "<circle class=\"own-ink\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>{:.2} requests a second, {:.1} an order: {:.1} s on average, 95 % within {:.1} s</title></circle>",
                x.at(spot.rate),
                y.at(spot.mean_s),
                spot.rate,
                spot.looks,
                spot.mean_s,
                spot.p95_s
            )?;
        }
        self.draw_others(x, y, svg)?;
        writeln!(svg, "</svg>")
    }

    /// From each mean a line up to its 95th percentile; of names that would lie upon each other the first is written,
    /// and how many more are there.
    fn draw_others(&self, x: Scale, y: Scale, svg: &mut String) -> std::fmt::Result {
        let mut named: Vec<(f64, f64, &str, usize)> = Vec::new();
        for (name, spot) in &self.others {
            let (at, mean, p95) = (x.at(spot.rate), y.at(spot.mean_s), y.at(spot.p95_s));
            writeln!(
                svg,
                "<line class=\"other\" x1=\"{at:.1}\" y1=\"{mean:.1}\" x2=\"{at:.1}\" y2=\"{p95:.1}\" stroke-opacity=\"0.45\"/>"
            )?;
            writeln!(
                svg,
                "<circle class=\"other paper\" cx=\"{at:.1}\" cy=\"{mean:.1}\" r=\"4\" stroke-width=\"2\"><title>{}: {:.1} requests an order, {:.1} s on average, 95 % within {:.1} s</title></circle>",
                escaped(name),
                spot.looks,
                spot.mean_s,
                spot.p95_s
            )?;
            let near = |(left, height, ..): &&mut (f64, f64, &str, usize)| {
                (*left - at).abs() < APART.0 && (*height - mean).abs() < APART.1
            };
            match named.iter_mut().find(near) {
                Some((.., more)) => *more += 1,
                None => named.push((at, mean, name, 0)),
            }
        }
        for (at, mean, name, more) in named {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            // What stands far right is written to the left of its dot.
            let (place, anchor) = if at > RIGHT - 190.0 { (at - 9.0, "end") } else { (at + 9.0, "start") };
            writeln!(
                svg,
                "<text class=\"other-ink\" x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" font-size=\"11\">{}{more}</text>",
                mean + 4.0,
                escaped(name)
            )?;
        }
        Ok(())
    }

    /// Requests an order at one request a second.
    fn looks_at_one(&self) -> f64 {
        self.learned.last().map_or(0.0, |spot| spot.looks / spot.rate)
    }
}

fn legend(svg: &mut String) -> std::fmt::Result {
    let entries = [
        ("own", "none", "learned, mean"),
        ("own", "7 4", "learned, 95 % within"),
        ("best", "2 3", "nobody can do better, mean"),
        ("other", "none", "others' schedules: mean, and up to 95 %"),
    ];
    let mut left = 16.0;
    for (class, dash, words) in entries {
        writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{left}\" y1=\"48\" x2=\"{}\" y2=\"48\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/><text class=\"ink\" x=\"{}\" y=\"52\">{words}</text>",
            left + 26.0,
            left + 33.0
        )?;
        left += 60.0 + f64::from(u32::try_from(words.len()).unwrap_or_default()) * 6.4;
    }
    Ok(())
}

fn axes(x: Scale, y: Scale, looks_at_one: f64, svg: &mut String) -> std::fmt::Result {
    for tick in x.ticks() {
        let at = x.at(tick);
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\"/><text class=\"ink\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>",
            BOTTOM + 18.0
        )?;
        writeln!(
            svg,
            "<text class=\"soft\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\">{:.1}</text>",
            BOTTOM + 33.0,
            tick * looks_at_one
        )?;
    }
    for tick in y.ticks() {
        let at = y.at(tick);
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\"/><text class=\"ink\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            duration(tick)
        )?;
    }
    let foot = BOTTOM + 54.0;
    writeln!(
        svg,
        "<text class=\"ink\" x=\"{RIGHT}\" y=\"{foot}\" text-anchor=\"end\">requests a second <tspan class=\"soft\">(below: requests an order)</tspan></text>"
    )?;
    writeln!(svg, "<text class=\"ink\" x=\"16\" y=\"{}\">until noticed</text>", TOP - 6.0)
}

fn duration(seconds: f64) -> String {
    if seconds < 1_000.0 { format!("{seconds} s") } else { format!("{seconds:.0} s") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_a_file_is_text_and_no_markup() {
        let spot = |rate: f64| Spot { rate, looks: rate * 4.0, mean_s: 20.0 / rate, p95_s: 60.0 / rate };
        let others = vec![("<script>&".to_owned(), spot(0.7))];
        let learned = vec![spot(0.5), spot(1.0), spot(2.0)];
        let svg = Chart { title: "a < b".to_owned(), optimum: learned.clone(), learned, others }.svg();
        assert!(svg.contains("&lt;script&gt;&amp;") && svg.contains("a &lt; b") && !svg.contains("<script"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 4);
    }
}
