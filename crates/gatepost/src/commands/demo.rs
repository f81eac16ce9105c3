//! `gatepost demo`
use crate::cli::Context;
use crate::failure::Result;
/// x
#[derive(clap::Args)]
pub struct Demo {
    /// End
    #[arg(long)]
    once: bool,
}
impl Demo {
    pub async fn run(self, _context: Context) -> Result<()> { Ok(()) }
}
