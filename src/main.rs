//! The `reconciled` program: arguments, runtime, exit code; nothing else.

use std::process::ExitCode;

use reconciled::cli;

fn main() -> ExitCode {
    let args = match cli::Args::read() {
        Ok(args) => args,
        Err(code) => return code,
    };
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(cli::run(args)),
        Err(error) => cli::Failure::failed(format!("cannot start the runtime: {error}")).tell(),
    }
}
