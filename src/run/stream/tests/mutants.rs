//! Every rule of the protocol broken on purpose: some run must then come out wrong. A rule whose breach nobody notices is
//! either not needed or not tested.

use super::super::rules::{Rule, break_rule};
use super::fuse::{every_delay, every_step, setups};
use super::schedules::schedule;

/// Schedules that a breach may stay unnoticed for.
const SCHEDULES: u64 = 2_000;

/// Keeps all rules again, also when a test fails.
struct Broken;

impl Broken {
    fn rule(rule: Rule) -> Broken {
        break_rule(Some(rule));
        Broken
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        break_rule(None);
    }
}

/// What comes out wrong first with that rule broken.
fn first_problem(rule: Rule) -> Option<String> {
    let _broken = Broken::rule(rule);
    let steps = setups().into_iter().take(2).find_map(|setup| every_step(&setup, &every_delay()).err());
    steps.or_else(|| (0..SCHEDULES).find_map(|seed| schedule(seed).err()))
}

fn is_noticed(rule: Rule) {
    let problem = first_problem(rule);
    println!("{rule:?}: {}", problem.as_deref().unwrap_or("-"));
    assert!(problem.is_some(), "nobody notices that {rule:?} is broken");
}

macro_rules! each_rule {
    ($($test:ident: $rule:ident,)*) => {
        $(#[test]
        fn $test() {
            is_noticed(Rule::$rule);
        })*
    };
}

each_rule! {
    breaking_store_after_commit_is_noticed: StoreAfterCommit,
    breaking_footer_ends_epoch_is_noticed: FooterEndsEpoch,
    breaking_unknown_is_not_undone_is_noticed: UnknownIsNotUndone,
    breaking_suspect_producer_replaced_is_noticed: SuspectProducerReplaced,
    breaking_lost_is_not_committed_is_noticed: LostIsNotCommitted,
    breaking_every_position_sent_is_noticed: EveryPositionSent,
    breaking_rewind_to_open_windows_is_noticed: RewindToOpenWindows,
    breaking_only_members_commit_is_noticed: OnlyMembersCommit,
    breaking_delivered_before_commit_is_noticed: DeliveredBeforeCommit,
    breaking_refill_is_silent_is_noticed: RefillIsSilent,
    breaking_digest_checked_is_noticed: DigestChecked,
    breaking_epoch_kept_until_committed_is_noticed: EpochKeptUntilCommitted,
    breaking_member_before_ownership_is_noticed: MemberBeforeOwnership,
    breaking_numbers_go_on_is_noticed: NumbersGoOn,
    breaking_waiting_is_not_passed_is_noticed: WaitingIsNotPassed,
    breaking_stops_are_confirmed_is_noticed: StopsAreConfirmed,
}

#[test]
fn breaking_local_ahead_stops_is_noticed() {
    let _broken = Broken::rule(Rule::LocalAheadStops);
    let stop = super::stops::offsets_set_back_stop().unwrap_or_default();
    assert!(!stop.starts_with("LocalAhead"), "{stop}");
}
