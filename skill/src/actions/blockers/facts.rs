//! The facts about a deal, without judgement. A fact that could not be read carries the reason.

use jiff::Timestamp;
use jiff::civil::Date;

use super::queries::{
    Blockers, BlockersActivity, BlockersDeal, BlockersNote, BlockersTask, NearbyActivity,
};
use crate::actions::deal_fields::deals_have;
use crate::actions::get::UNREADABLE_NOTE;
use crate::actions::render::{member, unread};
use crate::actions::stages::stages;
use crate::actions::statuses;
use crate::bindings::claw::crm::types::{Kind, Link};
use crate::bindings::claw::skill::types::Provenance;
use crate::bindings::exports::claw::crm::read::{Evidence, OpportunityFields};
use crate::context::Context;
use crate::day::{self, Zone};
use crate::failure::{self, Failure};
use crate::text::{self, Cutter};
use crate::twenty::custom::{self, NextStep};
use crate::twenty::values::{self, Currency, named};
use crate::twenty::{self, NOBODY, fetch, fetch_deal};

/// A value, or the reason why it could not be read.
pub(super) type Known<T> = Result<T, String>;

/// The longest time between a deal's creation and its first entry for the history to count as
/// complete.
const FIRST_ENTRY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// A deal that closes within this many days is near.
pub(super) const NEAR_DAYS: i32 = 7;

/// All facts about one deal.
pub(super) struct Facts<'a> {
    pub(super) ctx: &'a Context<'a>,
    pub(super) today: Date,
    pub(super) stale_days: u16,
    pub(super) deal: BlockersDeal,
    /// The content of the operator's field for the next step. Where a rule needs it, a null has
    /// been checked.
    pub(super) next_step: NextStep,
    /// Set if its stage ends a deal.
    pub(super) closed: bool,
    pub(super) tasks: Known<OpenTasks>,
    pub(super) notes: Known<Vec<BlockersNote>>,
    pub(super) history: Known<History>,
    pub(super) last_activity: LastActivity,
    /// The workspace's stages, in order; read only where a rule may need them.
    pub(super) stages: Known<Vec<String>>,
    /// Parts that could not be read, with reasons.
    pub(super) missing: Vec<String>,
}

/// Its open tasks, soonest due first.
pub(super) struct OpenTasks {
    pub(super) rows: Vec<BlockersTask>,
    /// Set if there are more than were read.
    pub(super) more: bool,
    /// Set if some could not be read.
    pub(super) lost: bool,
}

impl OpenTasks {
    /// Checks whether one is due on this day or later.
    pub(super) fn due_from(&self, zone: &Zone, day: Date) -> bool {
        self.rows
            .iter()
            .any(|task| task.due_at.is_some_and(|due| zone.due(due).day >= day))
    }
}

/// Its timeline, newest first.
pub(super) struct History {
    pub(super) entries: Vec<BlockersActivity>,
    /// Set if it goes back to the deal's creation, so that what it does not show has not happened.
    pub(super) whole: bool,
}

/// The newest of all activity that could be read.
pub(super) struct LastActivity {
    newest: Option<(Timestamp, Evidence)>,
    /// Reasons why activity could not be read.
    pub(super) unread: Vec<String>,
}

impl LastActivity {
    /// Returns the time of the activity.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.newest.as_ref().map(|(time, _)| *time)
    }

    /// Returns the time of the activity, with evidence.
    pub(super) fn newest(&self) -> Option<&(Timestamp, Evidence)> {
        self.newest.as_ref()
    }

    fn see(
        &mut self,
        ctx: &Context<'_>,
        what: &str,
        time: Option<Timestamp>,
        provenance: impl FnOnce() -> Provenance,
    ) {
        if let Some(time) = time.filter(|&time| self.time().is_none_or(|known| time > known)) {
            let value = ctx.zone().show(time);
            self.newest = Some((
                time,
                Evidence {
                    what: what.to_owned(),
                    value,
                    provenance: provenance(),
                },
            ));
        }
    }
}

impl<'a> Facts<'a> {
    /// Reads the facts: one request, two with `widen`, not counting metadata, which the host
    /// answers from its cache for some minutes.
    pub(super) fn read(
        ctx: &'a Context<'a>,
        id: String,
        stale_days: u16,
        widen: bool,
    ) -> Result<Self, Failure> {
        let open = statuses::open(ctx);
        let query = Blockers {
            id,
            open: open.statuses.clone(),
        };
        let (reply, next_step) = fetch_deal(ctx, &query)?;
        let (data, errors) = (reply.data, reply.errors);
        let mut deal = errors.root("opportunity", data.opportunity)?;
        // A contact that cannot be read is not known: the deal still tells whether it has one.
        let mut with_contact = data
            .opportunities
            .into_iter()
            .flat_map(values::Connection::rows);
        deal.point_of_contact = with_contact.next().and_then(|row| row.point_of_contact);
        let why = |failure: Failure| failure::sentence(&failure).to_owned();

        let lost: Vec<Option<String>> = [
            ("taskTargets", "open tasks"),
            ("noteTargets", "notes"),
            ("timelineActivities", "history"),
        ]
        .map(|(root, what)| errors.lost(root).map(|lost| format!("{what}: {lost}")))
        .into();
        let lost_tasks = errors.lost("taskTargets").is_some();
        let missing: Vec<String> = unread(&deal.unreadable)
            .chain(lost.iter().flatten().cloned())
            .collect();
        let tasks = open
            .validate(errors.root("taskTargets", data.task_targets))
            .map_err(why)
            .map(|links| {
                let read = u32::try_from(links.edges.len());
                let more = lost_tasks || read.is_ok_and(|read| read < links.total_count);
                OpenTasks {
                    lost: lost_tasks,
                    rows: values::unique(links.rows().filter_map(|link| link.task), |task| {
                        &task.id
                    }),
                    more,
                }
            });
        let notes = errors
            .root("noteTargets", data.note_targets)
            .map_err(why)
            .and_then(|links| {
                let linked = !links.edges.is_empty();
                let notes =
                    values::unique(links.rows().filter_map(|link| link.note), |note| &note.id);
                if linked && notes.is_empty() {
                    Err(UNREADABLE_NOTE.to_owned())
                } else {
                    Ok(notes)
                }
            });
        let history = errors
            .root("timelineActivities", data.timeline_activities)
            .map_err(why)
            .map(|entries| {
                let all = u32::try_from(entries.edges.len())
                    .is_ok_and(|read| read == entries.total_count);
                let entries: Vec<BlockersActivity> = entries.rows().collect();
                let whole = all
                    && entries
                        .last()
                        .zip(deal.created_at)
                        .is_some_and(|(first, created)| {
                            first.happens_at.duration_since(created) <= FIRST_ENTRY
                        });
                History { entries, whole }
            });
        let linked = errors
            .root("taskTargetsGroupBy", data.task_targets_group_by)
            .map_err(why);

        let mut last = LastActivity {
            newest: None,
            unread: lost.into_iter().flatten().collect(),
        };
        note_activity(
            ctx,
            &mut last,
            &deal,
            &tasks,
            &notes,
            &history,
            linked.map(|groups| groups.first().and_then(|group| group.max_created_at)),
        );
        // Without what stands around it the deal can still be judged by itself.
        if widen && let Err(failure) = look_around(ctx, &mut last, &deal) {
            last.unread.push(failure::sentence(&failure).to_owned());
        }
        let closed = ctx
            .closed_stages()
            .iter()
            .any(|stage| stage == deal.stage.as_str());
        let today = ctx.zone().date(ctx.now);
        // Only a deal that closes within days is judged by the order of the stages.
        let near = deal.close_date.is_some_and(|date| {
            (0..=NEAR_DAYS).contains(&day::days_between(today, ctx.zone().due(date).day))
        });
        let stages = if near && !closed {
            stages(ctx).map_err(why)
        } else {
            Ok(Vec::new())
        };
        let planned = tasks
            .as_ref()
            .is_ok_and(|tasks| tasks.due_from(ctx.zone(), today));
        let next_step = if planned || closed {
            next_step
        } else {
            resolve_null(ctx, next_step)
        };
        Ok(Self {
            ctx,
            today,
            stale_days,
            deal,
            next_step,
            closed,
            tasks,
            notes,
            history,
            last_activity: last,
            stages,
            missing,
        })
    }

    /// Counts whole days since an instant, in the caller's zone.
    pub(super) fn days_since(&self, time: Timestamp) -> i32 {
        day::days_between(self.ctx.zone().date(time), self.today)
    }

    /// Counts whole days since the day on which something was due.
    pub(super) fn days_late(&self, due: Timestamp) -> i32 {
        day::days_between(self.ctx.zone().due(due).day, self.today)
    }

    /// Returns the close day.
    pub(super) fn close_day(&self) -> Option<Date> {
        self.deal
            .close_date
            .map(|date| self.ctx.zone().due(date).day)
    }

    /// Makes evidence from the deal itself.
    pub(super) fn of_deal(&self, what: &str, value: impl Into<String>) -> Evidence {
        let provenance =
            twenty::provenance(self.ctx, "opportunity", &self.deal.id, self.deal.updated_at);
        Evidence {
            what: what.to_owned(),
            value: value.into(),
            provenance,
        }
    }

    /// Makes evidence from one of its tasks.
    pub(super) fn of_task(
        &self,
        task: &BlockersTask,
        what: &str,
        value: impl Into<String>,
    ) -> Evidence {
        let provenance = twenty::provenance(self.ctx, "task", &task.id, task.updated_at);
        Evidence {
            what: what.to_owned(),
            value: value.into(),
            provenance,
        }
    }

    /// Converts the deal's fields to the form that answers use.
    pub(super) fn fields(&self, cutter: &mut Cutter) -> OpportunityFields {
        let deal = &self.deal;
        OpportunityFields {
            name: cutter.label(named(deal.name.as_ref())),
            stage: cutter.label(deal.stage.as_str()),
            amount: Currency::money(deal.amount.as_ref(), cutter),
            close_date: deal.close_date.map(text::instant),
            owner: member(deal.owner.as_ref(), cutter),
            company: deal.company.as_ref().map(|company| Link {
                kind: Kind::Company,
                id: company.id.clone(),
                label: cutter.label(named(company.name.as_ref())),
            }),
            contact: deal
                .point_of_contact
                .as_ref()
                .map(|person| person.link(cutter)),
            next_step: self.next_step.text().map(|text| cutter.label(text)),
        }
    }
}

/// Resolves a null: an empty field, or one that this CRM lacks.
fn resolve_null(ctx: &Context<'_>, next_step: NextStep) -> NextStep {
    let NextStep::Null { field } = next_step else {
        return next_step;
    };
    match deals_have(ctx, &field) {
        Ok(true) => NextStep::Empty { field },
        Ok(false) => NextStep::Unreadable {
            why: custom::no_such_field(&field),
        },
        Err(failure) => NextStep::Unreadable {
            why: format!(
                "Whether deals have the field \"{field}\" could not be read: {}",
                failure::sentence(&failure)
            ),
        },
    }
}

/// Notes the deal's activity: entries of its timeline, and notes and tasks made for it. `updatedAt`
/// is not activity.
fn note_activity(
    ctx: &Context<'_>,
    last: &mut LastActivity,
    deal: &BlockersDeal,
    tasks: &Known<OpenTasks>,
    notes: &Known<Vec<BlockersNote>>,
    history: &Known<History>,
    linked: Known<Option<Timestamp>>,
) {
    match history {
        Ok(history) => {
            for entry in &history.entries {
                last.see(ctx, "timeline entry", Some(entry.happens_at), || {
                    twenty::provenance(ctx, "timelineActivity", &entry.id, entry.updated_at)
                });
            }
        }
        Err(why) => last.unread.push(why.clone()),
    }
    match notes {
        Ok(notes) => {
            for note in notes {
                last.see(ctx, "note", note.created_at, || {
                    twenty::provenance(ctx, "note", &note.id, note.updated_at)
                });
            }
        }
        Err(why) => last.unread.push(why.clone()),
    }
    match tasks {
        Ok(tasks) => {
            for task in &tasks.rows {
                last.see(ctx, "task", task.created_at, || {
                    twenty::provenance(ctx, "task", &task.id, task.updated_at)
                });
            }
        }
        Err(why) => last.unread.push(why.clone()),
    }
    match linked {
        // The group says when a task was linked last, not which.
        Ok(time) => last.see(ctx, "task linked", time, || {
            twenty::provenance(ctx, "opportunity", &deal.id, deal.updated_at)
        }),
        Err(why) => last.unread.push(why),
    }
}

/// Notes the activity of its contact and company.
fn look_around(
    ctx: &Context<'_>,
    last: &mut LastActivity,
    deal: &BlockersDeal,
) -> Result<(), Failure> {
    let id = |id: Option<&String>| id.cloned().unwrap_or_else(|| NOBODY.to_owned());
    let reply = fetch(
        ctx,
        &NearbyActivity {
            person: id(deal.point_of_contact.as_ref().map(|person| &person.id)),
            company: id(deal.company.as_ref().map(|company| &company.id)),
        },
    )?;
    let (data, errors) = (reply.data, reply.errors);
    let mut unread = |failure: Failure| last.unread.push(failure::sentence(&failure).to_owned());
    let activities = errors
        .root("timelineActivities", data.timeline_activities)
        .map_err(&mut unread)
        .ok();
    let tasks = errors
        .root("taskTargets", data.task_targets)
        .map_err(&mut unread)
        .ok();
    let notes = errors
        .root("noteTargets", data.note_targets)
        .map_err(&mut unread)
        .ok();
    for entry in activities.into_iter().flat_map(values::Connection::rows) {
        last.see(
            ctx,
            "timeline entry of contact or company",
            Some(entry.happens_at),
            || twenty::provenance(ctx, "timelineActivity", &entry.id, entry.updated_at),
        );
    }
    for (what, object, time, touched) in tasks
        .into_iter()
        .flat_map(values::Connection::rows)
        .map(|link| {
            (
                "task of contact or company",
                "task",
                link.created_at,
                link.task,
            )
        })
        .chain(
            notes
                .into_iter()
                .flat_map(values::Connection::rows)
                .map(|link| {
                    (
                        "note of contact or company",
                        "note",
                        link.created_at,
                        link.note,
                    )
                }),
        )
    {
        if let Some(touched) = touched {
            last.see(ctx, what, time, || {
                twenty::provenance(ctx, object, &touched.id, touched.updated_at)
            });
        }
    }
    Ok(())
}
