//! What happens in a history, drawn beforehand: a bad one can then be made smaller, step by step.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

/// A history to play.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How far Google's clock is ahead of ours, in seconds.
    pub(crate) google_ahead: i64,
    pub(crate) steps: Vec<Step>,
}

/// What happens at once.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) trouble: Option<Trouble>,
    /// What died before is noticed as dead.
    pub(crate) leases_lapse: bool,
    /// By process.
    pub(crate) runs: [Option<PlannedRun>; 2],
    /// Each after so many round trips of the runs, about.
    pub(crate) deeds: Vec<(u8, Deed)>,
}

/// A run of the engine, and what becomes of its process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedRun {
    pub(crate) run: Run,
    pub(crate) end: End,
}

/// What a run does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Run {
    Push,
    PushAll,
    Pull,
    /// A pull because of a notification.
    Notified,
    /// A pull that has time for a page or so.
    Hasty,
    Tick,
}

/// How a run fares. Counted in polls of its future, of which there is at least one between any two effects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Natural,
    Killed { after: u32 },
    Frozen { after: u32 },
}

/// Something that anyone does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Call(Index, Call),
    Act(Index, Act),
    /// So many notifications arrive: none, one, or some doubled or late ones.
    Notifications(u8),
    LeasesLapse,
    /// The database drops the connections of the processes that sync.
    ConnectionsCut,
}

/// What a caller of the API does.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Book,
    Patch {
        title: bool,
        notes: Option<Write>,
        location: Option<Write>,
        time: bool,
    },
    /// With `If-Match`, of what was just read.
    PatchWhatWasRead,
    Status(&'static str),
    Reschedule,
    Cancel,
}

/// A new text, or none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    New,
    Clear,
}

/// What a person does in Google Calendar.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    DeleteOrRestore,
    Title(Write),
    /// Back to the title that the appointment was booked with.
    TakeTitleBack,
    Notes(Write),
    Location(Write),
    Move,
    /// Onto whatever was put there a moment ago.
    MoveOnto,
    AllDay,
    MakeRecurring,
    EditFooter,
    MoveToOtherCalendar,
    Duplicate,
    AddOwn,
    EditOwn,
}

/// Trouble with Google.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    Call(&'static str, Failing),
    Closed,
    TokensExpire,
    Pages {
        short: bool,
        empty: bool,
        repeated: bool,
    },
}

/// How a call fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failing {
    /// Carried out, and the connection breaks.
    AnswerLost,
    /// Not carried out, and the connection breaks.
    Disconnected,
    Unavailable,
    /// Carried out, and answered with 503.
    UnavailableAfter,
    /// Carried out, and answered late or never.
    HangsAfter,
    /// Carried out late.
    HangsBefore,
    Refused,
    /// For this event, or so it seems.
    Forbidden,
    QuotaExceeded,
}

pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let google_ahead = prop_oneof![6 => Just(0), 1 => Just(60), 1 => Just(-60)];
    (google_ahead, vec(steps(), 4..14)).prop_map(|(google_ahead, steps)| Plan { google_ahead, steps })
}

fn steps() -> impl Strategy<Value = Step> {
    (
        option::weighted(0.4, troubles()),
        prop::bool::weighted(0.2),
        option::weighted(0.75, planned_runs()),
        option::weighted(0.4, planned_runs()),
        vec((0_u8..6, deeds()), 0..5),
    )
        .prop_map(|(trouble, leases_lapse, first, second, deeds)| Step {
            trouble,
            leases_lapse,
            runs: [first, second],
            deeds,
        })
}

fn planned_runs() -> impl Strategy<Value = PlannedRun> {
    let run = prop_oneof![
        2 => Just(Run::Push),
        2 => Just(Run::PushAll),
        2 => Just(Run::Pull),
        1 => Just(Run::Notified),
        1 => Just(Run::Hasty),
        3 => Just(Run::Tick),
    ];
    let end = prop_oneof![
        6 => Just(End::Natural),
        2 => (1_u32..80).prop_map(|after| End::Killed { after }),
        1 => (1_u32..80).prop_map(|after| End::Frozen { after }),
    ];
    (run, end).prop_map(|(run, end)| PlannedRun { run, end })
}

fn deeds() -> impl Strategy<Value = Deed> {
    prop_oneof![
        20 => (any::<Index>(), calls()).prop_map(|(which, call)| Deed::Call(which, call)),
        20 => (any::<Index>(), acts()).prop_map(|(which, act)| Deed::Act(which, act)),
        3 => (0_u8..3).prop_map(Deed::Notifications),
        1 => Just(Deed::LeasesLapse),
        1 => Just(Deed::ConnectionsCut),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    let written = || option::weighted(0.4, prop_oneof![4 => Just(Write::New), 1 => Just(Write::Clear)]);
    let patch = (
        prop::bool::weighted(0.4),
        written(),
        written(),
        prop::bool::weighted(0.3),
    );
    prop_oneof![
        4 => Just(Call::Book),
        9 => patch.prop_map(|(title, notes, location, time)| Call::Patch { title, notes, location, time }),
        1 => Just(Call::PatchWhatWasRead),
        1 => Just(Call::Status("completed")),
        2 => Just(Call::Status("scheduled")),
        4 => Just(Call::Reschedule),
        3 => Just(Call::Cancel),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    let write = || prop_oneof![4 => Just(Write::New), 1 => Just(Write::Clear)];
    prop_oneof![
        6 => Just(Act::DeleteOrRestore),
        4 => write().prop_map(Act::Title),
        1 => Just(Act::TakeTitleBack),
        4 => write().prop_map(Act::Notes),
        3 => write().prop_map(Act::Location),
        5 => Just(Act::Move),
        1 => Just(Act::MoveOnto),
        1 => Just(Act::AllDay),
        1 => Just(Act::MakeRecurring),
        1 => Just(Act::EditFooter),
        1 => Just(Act::MoveToOtherCalendar),
        1 => Just(Act::Duplicate),
        1 => Just(Act::AddOwn),
        1 => Just(Act::EditOwn),
    ]
}

fn troubles() -> impl Strategy<Value = Trouble> {
    let call = prop::sample::select(vec![
        "events.insert",
        "events.patch",
        "events.delete",
        "events.get",
        "events.list",
    ]);
    let failing = prop_oneof![
        3 => Just(Failing::AnswerLost),
        1 => Just(Failing::Disconnected),
        1 => Just(Failing::Unavailable),
        1 => Just(Failing::UnavailableAfter),
        3 => Just(Failing::HangsAfter),
        2 => Just(Failing::HangsBefore),
        1 => Just(Failing::Refused),
        1 => Just(Failing::Forbidden),
        1 => Just(Failing::QuotaExceeded),
    ];
    let pages = (prop::bool::weighted(0.7), any::<bool>(), any::<bool>());
    prop_oneof![
        12 => (call, failing).prop_map(|(call, failing)| Trouble::Call(call, failing)),
        1 => Just(Trouble::Closed),
        2 => Just(Trouble::TokensExpire),
        2 => pages.prop_map(|(short, empty, repeated)| Trouble::Pages { short, empty, repeated }),
    ]
}
