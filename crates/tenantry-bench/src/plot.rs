//! Plots, where they say more than a table.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::{coord::Shift, prelude::*};

use crate::{figures::Figures, table};

const SIZE: (u32, u32) = (900, 480);
const FONT: &str = "sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws into `target/bench/<name>.svg`.
fn draw(name: &str, paint: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>) -> Result<()> {
    let path = table::folder()?.join(format!("{name}.svg"));
    paint_to(&path, paint).map_err(|error| anyhow!("drawing {}: {error}", path.display()))?;
    println!("{}\n", path.display());
    Ok(())
}

fn paint_to(
    path: &Path,
    paint: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    paint(&area)?;
    area.present()?;
    Ok(())
}

/// Horizontal bars, the first on top.
pub(crate) fn bars(name: &str, title: &str, unit: &str, bars: &[(&str, f64)]) -> Result<()> {
    draw(name, |area| {
        let greatest = bars.iter().map(|(_, figure)| *figure).fold(1.0, f64::max);
        let count = i32::try_from(bars.len())?;
        let mut chart = ChartBuilder::on(area)
            .caption(title, (FONT, 18))
            .margin(10)
            .x_label_area_size(35)
            .y_label_area_size(290)
            .build_cartesian_2d(0.0..greatest * 1.08, (0..count).into_segmented())?;
        let label = |place: &SegmentValue<i32>| match place {
            SegmentValue::CenterOf(place) => {
                usize::try_from(count - 1 - place).ok().and_then(|place| bars.get(place)).map_or("", |(name, _)| *name)
            }
            SegmentValue::Exact(_) | SegmentValue::Last => "",
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .x_desc(unit)
            .y_labels(bars.len())
            .y_label_formatter(&|place| label(place).to_owned())
            .draw()?;
        chart.draw_series((0..count).rev().zip(bars).map(|(place, (name, figure))| {
            let color = if name.starts_with("Tenan") { BLUE.mix(0.7) } else { BLACK.mix(0.35) };
            let mut bar = Rectangle::new(
                [(0.0, SegmentValue::Exact(place)), (*figure, SegmentValue::Exact(place + 1))],
                color.filled(),
            );
            bar.set_margin(3, 3, 0, 0);
            bar
        }))?;
        Ok(())
    })
}

/// A name, and points from left to right.
pub(crate) type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// Lines over numbers of which each is ten times the one before; upwards, percent.
pub(crate) fn growth(name: &str, title: &str, over: &str, lines: &[Line<'_>]) -> Result<()> {
    let (from, to) = extent(lines);
    let greatest = lines.iter().flat_map(|(_, points)| points).map(|(_, percent)| *percent).fold(100.0, f64::max);
    draw(name, |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, (FONT, 18))
            .margin(10)
            .x_label_area_size(35)
            .y_label_area_size(50)
            .build_cartesian_2d((from..to).log_scale(), 0.0..greatest * 1.1)?;
        let labels = |number: &f64| format!("{number:.0}");
        chart.configure_mesh().x_desc(over).y_desc("%").x_label_formatter(&labels).draw()?;
        for (place, (name, points)) in lines.iter().enumerate() {
            let color = Palette99::pick(place).to_rgba();
            let series = LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3);
            chart.draw_series(series)?.label(*name).legend(move |(x, y)| swatch(x, y, color));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::LowerLeft).border_style(BLACK).draw()?;
        Ok(())
    })
}

/// Of each sample, which part of all is not greater; the samples are milliseconds.
pub(crate) fn distribution(name: &str, title: &str, samples: &[(&str, &Figures)]) -> Result<()> {
    let lines: Vec<Line<'_>> = samples.iter().map(|(name, figures)| (*name, figures.cumulated())).collect();
    let (_, to) = extent(&lines);
    // What is seen with the first request is at the left edge.
    let from = 0.01;
    draw(name, |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, (FONT, 18))
            .margin(10)
            .x_label_area_size(35)
            .y_label_area_size(50)
            .build_cartesian_2d((from..to * 1.1).log_scale(), 0.0..100.0)?;
        chart.configure_mesh().x_desc("ms after the change was acknowledged").y_desc("% of the samples").draw()?;
        for (place, (name, points)) in lines.iter().enumerate() {
            let color = Palette99::pick(place).to_rgba();
            let series =
                LineSeries::new(points.iter().map(|(ms, percent)| (ms.max(from), *percent)), color.stroke_width(2));
            chart.draw_series(series)?.label(*name).legend(move |(x, y)| swatch(x, y, color));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).border_style(BLACK).draw()?;
        Ok(())
    })
}

fn swatch(x: i32, y: i32, color: RGBAColor) -> PathElement<(i32, i32)> {
    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3))
}

/// The least and the greatest place on the horizontal axis.
fn extent(lines: &[Line<'_>]) -> (f64, f64) {
    let places = || lines.iter().flat_map(|(_, points)| points).map(|(place, _)| *place);
    (places().fold(f64::INFINITY, f64::min), places().fold(f64::NEG_INFINITY, f64::max))
}
