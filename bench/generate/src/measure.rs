//! A command's time and memory, as the kernel counts them.
//!
//! The kernel sums up over all children of a process, so each command gets a process of its own
//! around it: this program with `measured` before the command.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of all threads and children, in the program and in the kernel.
    pub cpu: f64,
    /// Most memory resident at once, in MB.
    pub memory: f64,
}

/// Runs a command in a folder with `VIBEE_CACHE` set; its output is dropped.
pub fn run(folder: &Path, cache: &Path, command: &[&str]) -> Result<Taken> {
    let done = Command::new(std::env::current_exe()?)
        .arg("measured")
        .args(command)
        .current_dir(folder)
        .env("VIBEE_CACHE", cache)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(done.status.success(), "{} failed", command.join(" "));
    let v: Value = serde_json::from_slice(&done.stdout)?;
    let number = |key: &str| v[key].as_f64().with_context(|| format!("no {key}"));
    Ok(Taken { wall: number("wall")?, cpu: number("cpu")?, memory: number("memory")? })
}

/// The process around a command: prints what the command took.
pub fn around(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| program.clone())?;
    let mut said = String::new();
    if let Some(mut err) = child.stderr.take() {
        std::io::Read::read_to_string(&mut err, &mut said)?;
    }
    let status = child.wait()?;
    let wall = began.elapsed().as_secs_f64();
    ensure!(status.success(), "{}: {status}\n{said}", command.join(" "));
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6;
    // In units of 1024 bytes on Linux.
    let memory = usage.max_rss() as f64 * 1024.0 / 1e6;
    println!("{}", json!({ "wall": wall, "cpu": cpu, "memory": memory }));
    Ok(())
}
