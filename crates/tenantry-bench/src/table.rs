//! Tables, printed and kept.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context, Result};

/// Where everything is kept: `target/bench`.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench"));
    fs::create_dir_all(&folder).context("making target/bench")?;
    Ok(folder.canonicalize()?)
}

/// A table in the making: Markdown, so that it can be read as it is and quoted as it is.
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        Self { title: title.to_owned(), rows: vec![columns.iter().map(ToString::to_string).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints the table, and writes it to `target/bench/<name>.md`.
    pub(crate) fn publish(&self, name: &str) -> Result<()> {
        let text = self.text();
        println!("{text}");
        fs::write(folder()?.join(format!("{name}.md")), text).context("writing the table")
    }

    fn text(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(width).collect();
        let mut text = format!("{}\n\n", self.title);
        for (number, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                // Writing to a String cannot fail.
                let _ = write!(text, "| {cell:<width$} ");
            }
            text.push_str("|\n");
            if number == 0 {
                text.push_str(&"|---".repeat(columns));
                text.push_str("|\n");
            }
        }
        text
    }
}
