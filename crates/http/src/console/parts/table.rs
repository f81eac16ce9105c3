//! Tables. On a narrow screen a table scrolls by itself; the page does not.

use maud::{Markup, Render, html};

/// The head of a column.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    pub title: &'a str,
    /// Numbers and times stand in figures of one width, to the right.
    pub numeric: bool,
    /// For the buttons of a row: the title is there for those who do not see.
    pub unseen: bool,
}

impl<'a> Column<'a> {
    pub const fn text(title: &'a str) -> Self {
        Self { title, numeric: false, unseen: false }
    }

    pub const fn numeric(title: &'a str) -> Self {
        Self { title, numeric: true, unseen: false }
    }

    pub const fn buttons() -> Self {
        Self { title: "Actions", numeric: false, unseen: true }
    }
}

/// Rows of cells. The first cell of a row names it.
pub struct Table<'a> {
    /// What the table shows; for those who do not see it at a glance.
    pub caption: &'a str,
    pub columns: &'a [Column<'a>],
    pub rows: Vec<Vec<Markup>>,
}

impl Render for Table<'_> {
    fn render(&self) -> Markup {
        html! {
            // It can be reached and scrolled by keyboard.
            div class="table" role="region" aria-label=(self.caption) tabindex="0" {
                table {
                    caption class="unseen" { (self.caption) }
                    thead {
                        tr {
                            @for column in self.columns {
                                th scope="col" class=[column.numeric.then_some("numeric")] {
                                    @if column.unseen { span class="unseen" { (column.title) } }
                                    @else { (column.title) }
                                }
                            }
                        }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (at, (cell, column)) in row.iter().zip(self.columns).enumerate() {
                                    @let class = match (column.numeric, column.unseen) {
                                        (true, _) => Some("numeric"),
                                        (_, true) => Some("buttons"),
                                        _ => None,
                                    };
                                    @if at == 0 { th scope="row" class=[class] { (cell) } }
                                    @else { td class=[class] { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
