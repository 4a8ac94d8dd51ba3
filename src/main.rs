//! x
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    reconciled::cli::go().await
}
