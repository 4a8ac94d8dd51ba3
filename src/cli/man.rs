//! `completions` and `man`: the same definitions as the commands themselves, told to shells and to `man`.

use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man as Page;

use super::failure::Failure;
use super::output::Output;

/// `reconciled completions SHELL`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Bash: reconciled completions bash > /etc/bash_completion.d/reconciled")]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(super) fn run(&self, output: &Output) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Args::command(), "reconciled", &mut script);
        output.write(&String::from_utf8_lossy(&script))
    }
}

/// `reconciled man [--out DIR]`.
#[derive(Debug, clap::Args)]
#[command(after_help = "To read it at once: reconciled man | man -l -")]
pub(super) struct Man {
    /// Write a page for every command into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    /// Prints the page, or writes all of them.
    pub(super) fn run(&self, output: &Output) -> Result<(), Failure> {
        match &self.out {
            None => output.write(&page().map_err(|error| Failure::failed(format!("cannot write the page: {error}")))?),
            Some(directory) => {
                write_all(directory).map_err(|error| {
                    Failure::failed(format!("cannot write the pages into {}: {error}", directory.display()))
                })?;
                output.line(format!("The pages are in {}.", directory.display()))
            }
        }
    }
}

fn page() -> io::Result<String> {
    let mut roff = Vec::new();
    Page::new(super::Args::command()).render(&mut roff)?;
    Ok(String::from_utf8_lossy(&roff).into_owned())
}

fn write_all(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(super::Args::command(), directory)
}
