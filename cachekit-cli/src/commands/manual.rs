//! `cachekit completions` and `cachekit man`.

use crate::{
    args::{Cli, CompletionsArgs, ManArgs},
    failure::{Exit, Failure},
    output::Out,
};
use clap::CommandFactory;
use clap_mangen::Man;
use std::{fs, io::Write};

pub(crate) fn completions(args: &CompletionsArgs, out: &mut Out) -> Result<Exit, Failure> {
    // The generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cachekit", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Fine)
}

pub(crate) fn man(args: &ManArgs, out: &mut Out) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.out else {
        Man::new(command).render(out)?;
        return Ok(Exit::Fine);
    };
    let failed = |error: std::io::Error| {
        Failure::other(format_args!("{}: {error}", folder.display())).next("name a folder that can be written to")
    };
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    Ok(Exit::Fine)
}
