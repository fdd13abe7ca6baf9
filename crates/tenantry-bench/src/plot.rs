//! Plots, where they say more than a table.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::{coord::Shift, prelude::*};

use crate::table;

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
