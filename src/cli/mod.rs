//! stub
mod demo;
mod logging;
mod run;
mod signals;
/// x
pub async fn go() -> anyhow::Result<()> {
    use clap::Parser;
    #[derive(Parser)]
    enum C {
        Demo(demo::Demo),
        Run { config: std::path::PathBuf },
    }
    match C::parse() {
        C::Demo(d) => {
            let ok = demo::run(d).await?;
            std::process::exit(i32::from(!ok));
        }
        C::Run { config } => run::run(&config).await,
    }
}
