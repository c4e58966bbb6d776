//! The terminal as long as it is ours: another screen, without a cursor, and keys one by one.

use crossterm::{
    cursor,
    event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    execute, queue,
    terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen},
};
use std::io::{self, Write};

/// Of a terminal that does not say.
const USUAL: (u16, u16) = (80, 24);

/// Given back when it is dropped.
pub(super) struct Screen {
    out: io::Stdout,
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Letter(char),
    Scroll(isize),
    Resized,
}

impl Screen {
    /// # Errors
    /// There is no keyboard, or nothing can be written.
    pub(super) fn take() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        // From here on it is given back, whatever fails.
        let mut screen = Screen { out: io::stdout() };
        execute!(screen.out, EnterAlternateScreen, cursor::Hide)?;
        Ok(screen)
    }

    pub(super) fn size() -> (usize, usize) {
        let (width, height) = terminal::size().unwrap_or(USUAL);
        let or = |said: u16, usual: u16| usize::from(if said == 0 { usual } else { said });
        (or(width, USUAL.0), or(height, USUAL.1))
    }

    /// Over what is there, without a moment in which nothing is.
    pub(super) fn show(&mut self, lines: &[String]) -> io::Result<()> {
        for (at, line) in lines.iter().enumerate() {
            queue!(self.out, cursor::MoveTo(0, u16::try_from(at).unwrap_or(u16::MAX)))?;
            write!(self.out, "{line}")?;
            queue!(self.out, Clear(ClearType::UntilNewLine))?;
        }
        queue!(self.out, Clear(ClearType::FromCursorDown))?;
        self.out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where nothing can be written there is nothing left to give back.
        execute!(self.out, LeaveAlternateScreen, cursor::Show).ok();
        terminal::disable_raw_mode().ok();
    }
}

/// Waits for a key that means something.
pub(super) fn key() -> io::Result<Key> {
    loop {
        match event::read()? {
            Event::Resize(..) => return Ok(Key::Resized),
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                if let Some(meant) = meant(&key) {
                    return Ok(meant);
                }
            }
            _ => {}
        }
    }
}

fn meant(key: &KeyEvent) -> Option<Key> {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c' | 'd') if is_control => Key::Quit,
        KeyCode::Char(_) if is_control => return None,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char(letter) => Key::Letter(letter.to_ascii_lowercase()),
        KeyCode::Up => Key::Scroll(-1),
        KeyCode::Down => Key::Scroll(1),
        KeyCode::PageUp => Key::Scroll(-10),
        KeyCode::PageDown => Key::Scroll(10),
        KeyCode::Home => Key::Scroll(isize::MIN),
        _ => return None,
    })
}
