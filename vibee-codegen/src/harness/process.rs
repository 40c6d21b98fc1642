//! The running driver: one call at a time, restarted when a call crashes or hangs it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use vibee_spec::term::{Kernel, Layer};

use super::wire::{self, Call, LayerCall, Word};

/// A call that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The elements of all outputs, one after the other.
    Done(Vec<f64>),
    /// The kernel returned an error.
    Refused(String),
    /// It panicked, crashed, hung, or wrote where it must not.
    Failed(String),
    /// Rust's types cannot express the call.
    Inexpressible,
}

/// Why `load` gave an error instead of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotLoaded(pub String);

/// A driver process.
#[derive(Debug)]
pub struct Driver {
    program: PathBuf,
    levels: Vec<String>,
    running: Running,
}

#[derive(Debug)]
struct Running {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<(u8, Vec<u8>)>,
}

impl Driver {
    /// Starts a driver program.
    ///
    /// # Errors
    /// When it cannot be started or does not answer.
    pub fn start(program: &Path) -> Result<Driver> {
        let (running, levels) = start(program)?;
        Ok(Driver { program: program.to_owned(), levels, running })
    }

    /// The machine's instruction-set levels, lowest first.
    #[must_use]
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    /// The position of a level, the highest if none is named.
    ///
    /// # Errors
    /// When the machine has no level of that name.
    pub fn level(&self, name: Option<&str>) -> Result<u32> {
        let at = match name {
            None => self.levels.len() - 1,
            Some(name) => self.levels.iter().position(|l| l == name).with_context(|| {
                format!("this machine has no level {name}; it has {}", self.levels.join(", "))
            })?,
        };
        Ok(u32::try_from(at)?)
    }

    /// Calls kernel `number`.
    ///
    /// # Errors
    /// When the driver cannot be restarted after a crash.
    pub fn call(&mut self, number: u32, kernel: &Kernel, call: &Call<'_>) -> Result<Reply> {
        let Some(bytes) = wire::encode(number, kernel, call) else { return Ok(Reply::Inexpressible) };
        Ok(self.exchange(&bytes)?.unwrap_or_else(|NotLoaded(why)| Reply::Refused(why)))
    }

    /// Makes a call and keeps its arguments, for turns at timing it.
    ///
    /// # Errors
    /// When the driver cannot be restarted after a crash; inside: what the call ended with instead.
    pub fn turns(
        &mut self,
        number: u32,
        kernel: &Kernel,
        call: &Call<'_>,
    ) -> Result<std::result::Result<Turns<'_>, Reply>> {
        Ok(match self.call(number, kernel, call)? {
            Reply::Done(_) => Ok(Turns { driver: self, ended: false }),
            other => Err(other),
        })
    }

    /// Loads a layer, calls its forward and keeps both, for turns at timing the forward.
    ///
    /// # Errors
    /// When the driver cannot be restarted after a crash; inside: what the call ended with instead.
    pub fn layer_turns(
        &mut self,
        number: u32,
        layer: &Layer,
        call: &LayerCall<'_>,
    ) -> Result<std::result::Result<Turns<'_>, Reply>> {
        Ok(match self.call_layer(number, layer, call)? {
            Ok(Reply::Done(_)) => Ok(Turns { driver: self, ended: false }),
            Ok(other) => Err(other),
            Err(NotLoaded(why)) => Err(Reply::Refused(why)),
        })
    }

    /// Loads layer `number` and calls its forward; the first number that comes back is how many
    /// parameters it has.
    ///
    /// # Errors
    /// When the driver cannot be restarted after a crash.
    pub fn call_layer(
        &mut self,
        number: u32,
        layer: &Layer,
        call: &LayerCall<'_>,
    ) -> Result<std::result::Result<Reply, NotLoaded>> {
        match wire::encode_layer(number, layer, call) {
            Some(bytes) => self.exchange(&bytes),
            None => Ok(Ok(Reply::Inexpressible)),
        }
    }

    fn exchange(&mut self, bytes: &[u8]) -> Result<std::result::Result<Reply, NotLoaded>> {
        // A driver that died while reading shows in the answer.
        let _ = self.running.stdin.write_all(bytes).and_then(|()| self.running.stdin.flush());
        let (status, payload) = match self.running.answers.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(why) => return self.restart(why).map(Ok),
        };
        let text = || String::from_utf8_lossy(&payload).into_owned();
        Ok(Ok(match status {
            0 => Reply::Done(wire::decode(&payload)),
            1 => Reply::Refused(text()),
            2 => Reply::Failed(format!("panicked: {}", text().replace('\n', " "))),
            4 => return Ok(Err(NotLoaded(text()))),
            _ => Reply::Failed(text()),
        }))
    }

    fn restart(&mut self, why: RecvTimeoutError) -> Result<Reply> {
        let _ = self.running.child.kill();
        let status = self.running.child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
        let text = match why {
            RecvTimeoutError::Timeout => format!("gave no result within {} s", PATIENCE.as_secs()),
            RecvTimeoutError::Disconnected => format!("ended the process: {status}"),
        };
        self.running = start(&self.program)?.0;
        Ok(Reply::Failed(text))
    }
}

/// A call whose arguments lie in the driver. Ends when dropped.
#[derive(Debug)]
pub struct Turns<'a> {
    driver: &'a mut Driver,
    /// Whether the driver has left the call by itself.
    ended: bool,
}

impl Turns<'_> {
    /// One turn: what the word asks for.
    ///
    /// # Errors
    /// When the call fails now, or the driver has died.
    pub fn take(&mut self, word: Word) -> Result<f64> {
        let answer = self.driver.exchange(&word.encode());
        if let Ok(Ok(Reply::Done(numbers))) = &answer
            && let [number] = numbers[..]
        {
            return Ok(number);
        }
        self.ended = true;
        match answer? {
            Ok(reply) => bail!("a call that was made before ended with {reply:?}"),
            Err(NotLoaded(why)) => bail!(why),
        }
    }
}

impl Drop for Turns<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // A driver that dies at this word has no call to end.
            let _ = self.driver.exchange(&Word::End.encode());
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.running.child.kill();
        let _ = self.running.child.wait();
    }
}

fn start(program: &Path) -> Result<(Running, Vec<String>)> {
    let mut command = Command::new(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    let (Some(stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("the driver has no pipes");
    };
    let (send, answers) = channel();
    std::thread::spawn(move || {
        // Ends with the process, or when nobody waits for answers.
        while let Some(answer) = read(&mut stdout) {
            if send.send(answer).is_err() {
                break;
            }
        }
    });
    let Ok((_, names)) = answers.recv_timeout(PATIENCE) else { bail!("the driver does not answer") };
    let levels = String::from_utf8_lossy(&names).split(' ').map(str::to_owned).collect();
    Ok((Running { child, stdin, answers }, levels))
}

fn read(from: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let (mut status, mut len) = ([0; 1], [0; 8]);
    from.read_exact(&mut status).ok()?;
    from.read_exact(&mut len).ok()?;
    let mut payload = Vec::new();
    let len = u64::from_le_bytes(len);
    let got = from.take(len).read_to_end(&mut payload).ok()?;
    (got as u64 == len).then_some((status[0], payload))
}
