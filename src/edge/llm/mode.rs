//! Ways to ask for JSON, the strictest first. Which of them a server takes and heeds is found by trying, and remembered.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many answers without the shape, and none with it, show that a mode is taken but not heeded.
const UNHEEDED: u32 = 2;

/// A way to ask for JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// A strict schema with the lengths of texts.
    SchemaWithLengths,
    /// A strict schema without: some servers refuse lengths.
    Schema,
    /// A tool whose arguments have the schema.
    Tool,
    /// Any JSON object; the schema is in the question.
    Object,
    /// The schema is in the question.
    Plain,
}

impl Mode {
    /// From the strictest to the last resort.
    pub(super) const ALL: [Mode; 5] =
        [Mode::SchemaWithLengths, Mode::Schema, Mode::Tool, Mode::Object, Mode::Plain];

    /// For logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Mode::SchemaWithLengths => "json_schema with lengths",
            Mode::Schema => "json_schema",
            Mode::Tool => "tool",
            Mode::Object => "json_object",
            Mode::Plain => "plain",
        }
    }

    /// The next one down.
    pub(super) fn next(self) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| *mode > self)
    }
}

/// What is known of a server's modes and habits.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    state: Mutex<Known>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    modes: [Experience; Mode::ALL.len()],
    habits: Habits,
}

#[derive(Clone, Copy, Debug, Default)]
struct Experience {
    given_up: bool,
    heeded: u32,
    unheeded: u32,
}

/// What a server wants otherwise than most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Habits {
    /// The limit of an answer is `max_completion_tokens`.
    pub(super) completion_tokens: bool,
    /// The temperature may not be set.
    pub(super) own_temperature: bool,
}

impl Ladder {
    /// The strictest mode that is not known to be of no use.
    pub(super) fn mode(&self) -> Mode {
        let known = self.lock();
        let of_use = Mode::ALL.into_iter().find(|mode| !known.modes[*mode as usize].given_up);
        of_use.unwrap_or(Mode::Plain)
    }

    /// What the server wants otherwise.
    pub(super) fn habits(&self) -> Habits {
        self.lock().habits
    }

    /// A lower mode was taken after this one was refused: it is not tried again.
    pub(super) fn refused(&self, mode: Mode) {
        if mode != Mode::Plain {
            self.lock().modes[mode as usize].given_up = true;
        }
    }

    /// An answer had the shape.
    pub(super) fn heeded(&self, mode: Mode) {
        let known = &mut self.lock().modes[mode as usize];
        known.heeded = known.heeded.saturating_add(1);
    }

    /// An answer lacked the shape; `true` where that gives the mode up.
    pub(super) fn unheeded(&self, mode: Mode) -> bool {
        let known = &mut self.lock().modes[mode as usize];
        known.unheeded = known.unheeded.saturating_add(1);
        let useless = mode != Mode::Plain && known.heeded == 0 && known.unheeded >= UNHEEDED;
        known.given_up |= useless;
        useless
    }

    /// Learns from the words of a refusal; `true` where the same mode is worth another call.
    pub(super) fn learn(&self, refusal: &str) -> bool {
        let habits = &mut self.lock().habits;
        let before = *habits;
        habits.completion_tokens |= refusal.contains("max_completion_tokens");
        habits.own_temperature |= refusal.contains("temperature");
        *habits != before
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_is_taken_but_not_heeded_is_given_up() {
        let ladder = Ladder::default();
        assert_eq!(ladder.mode(), Mode::SchemaWithLengths);
        assert!(!ladder.unheeded(Mode::SchemaWithLengths));
        assert!(ladder.unheeded(Mode::SchemaWithLengths));
        assert_eq!(ladder.mode(), Mode::Schema);
        ladder.heeded(Mode::Schema);
        assert!((0..9).all(|_| !ladder.unheeded(Mode::Schema)), "once heeded, a slip is a slip");
        ladder.refused(Mode::Plain);
        assert!(!ladder.unheeded(Mode::Plain) && !ladder.unheeded(Mode::Plain), "the last resort stays");
    }

    #[test]
    fn a_refusal_that_names_a_parameter_is_learned_from_once() {
        let ladder = Ladder::default();
        assert!(ladder.learn("'max_tokens' is not supported, use 'max_completion_tokens'"));
        assert!(!ladder.learn("use max_completion_tokens"));
        assert!(ladder.habits().completion_tokens && !ladder.habits().own_temperature);
    }
}
