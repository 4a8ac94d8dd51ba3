//! `order review`, which has become a family of its own: whoever still types it hears where it went.

use super::super::failure::Failure;

/// `reconciled order review`, whatever follows it.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Review {
    /// What used to be asked here
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

impl Review {
    pub(super) fn run(self) -> Result<(), Failure> {
        // A number that stood here stands in the new command too, so that it can be copied.
        let number = self.rest.into_iter().find(|word| !word.starts_with('-')).unwrap_or_else(|| "NUMBER".to_owned());
        Err(Failure::Usage(format!(
            "`order review` is now `reconciled review`: `review list`, `review show {number}`, and `review resolve \
             {number} --as bank --reason ...` in place of --accept"
        )))
    }
}
