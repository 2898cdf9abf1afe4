//! Reads the arguments into the filter that all queries share.

use jiff::Timestamp;

use super::company::{self, Company};
use super::owner::OwnerFilter;
use super::queries::DealFilter;
use super::words;
use crate::actions::input::{micros, within};
use crate::actions::stages::stages;
use crate::actions::upsert::stage_options;
use crate::bindings::exports::claw::crm::read::{DealsBy, DealsRequest, DealsSort};
use crate::context::Context;
use crate::day::{self, plus_days, precise, utc_midnight};
use crate::failure::{self, Failure};
use crate::text;
use crate::twenty::NOBODY;
use crate::twenty::values::Micros;

/// Before any record was made: a part of the filter that asks for records made since then is on.
const ON: &str = "1900-01-01T00:00:00Z";
/// After all records were made: such a part is off.
const OFF: &str = "9999-01-01T00:00:00Z";
/// The largest amount that the CRM can keep and a double holds.
const MOST: i64 = 9_223_372_036_854_774_784;
/// The most stages that a query takes.
const STAGES: usize = 100;

/// The pipeline that is asked for.
pub(super) struct Wanted {
    pub(super) filter: DealFilter,
    /// The filter in words.
    pub(super) words: String,
    /// All stages in the workspace's order.
    pub(super) order: Vec<String>,
    pub(super) by: DealsBy,
    pub(super) sort: DealsSort,
    pub(super) limit: u8,
    /// Set if deals without an amount are asked for.
    pub(super) no_amount: bool,
    /// Set if deals without an owner are asked for.
    pub(super) no_owner: bool,
}

impl Wanted {
    pub(super) fn read(ctx: &Context<'_>, request: &DealsRequest) -> Result<Self, Failure> {
        let limit = within("limit", request.limit, 10, 1..=25)?;
        let closes = Period::read(
            ctx,
            request.closes_from.as_deref(),
            request.closes_to.as_deref(),
        )?;
        let changed = request.changed_since.as_deref().map(str::trim);
        let changed = changed
            .map(|since| day::parse("changedSince", since))
            .transpose()?;
        let amounts = Amounts::read(request)?;
        let owner = OwnerFilter::read(ctx, request.owner.as_deref())?;
        let company = request.company.as_deref();
        let company = company
            .map(|company| company::find(ctx, company))
            .transpose()?;
        let chosen = ChosenStages::read(ctx, request.stages.as_deref())?;

        let switch = |on: bool| if on { ON } else { OFF }.to_owned();
        let (owners, no_owner, any_owner) = match &owner {
            OwnerFilter::Anyone => (NOBODY, false, true),
            OwnerFilter::Nobody => (NOBODY, true, false),
            OwnerFilter::Member(member) => (member.id.as_str(), false, false),
        };
        // A range that no amount is in, where deals without one are asked for.
        let (amount_from, amount_to) = match amounts.none {
            true => (MOST, -MOST),
            false => (
                amounts.from.map_or(-MOST, |(_, number)| number),
                amounts.to.map_or(MOST, |(_, number)| number),
            ),
        };
        let companies = company.as_ref().map_or(NOBODY, |company| &company.id);
        let filter = DealFilter {
            stages: chosen.stages.clone(),
            changed_since: changed
                .map_or_else(|| ON.to_owned(), |day| text::instant(ctx.zone().start(day))),
            closes_from: closes.from,
            closes_until: closes.until,
            closes_after: closes.after,
            closes_on: closes.on,
            any_close: switch(closes.days == (None, None)),
            owners: vec![owners.to_owned()],
            no_owner: switch(no_owner),
            any_owner: switch(any_owner),
            companies: vec![companies.to_owned()],
            any_company: switch(company.is_none()),
            amount_from,
            amount_to,
            no_amount: switch(amounts.none),
            any_amount: switch(!amounts.none && amounts.from.is_none() && amounts.to.is_none()),
        };
        let words = words::Described {
            stages: chosen.named,
            chosen: &chosen.stages,
            owner: &owner,
            company: company.as_ref().map(Company::shown),
            closes: closes.days,
            changed,
            no_amount: amounts.none,
            amounts: (
                amounts.from.map(|(micros, _)| micros),
                amounts.to.map(|(micros, _)| micros),
            ),
        };
        Ok(Self {
            filter,
            words: words.sentence(),
            order: chosen.order,
            by: request.by.unwrap_or(DealsBy::Stage),
            sort: request.sort.unwrap_or(DealsSort::CloseDate),
            limit,
            no_amount: amounts.none,
            no_owner,
        })
    }
}

/// The stages that are asked for.
struct ChosenStages {
    stages: Vec<String>,
    named: words::StageWords,
    /// All stages in the workspace's order.
    order: Vec<String>,
}

impl ChosenStages {
    fn read(ctx: &Context<'_>, given: Option<&[String]>) -> Result<Self, Failure> {
        let given = match given {
            None => {
                let order = stages(ctx)?;
                let closed = ctx.closed_stages();
                let open = order.iter().filter(|stage| !closed.contains(stage));
                return Self::some(words::StageWords::Open, open.cloned().collect(), order);
            }
            Some(given) => given,
        };
        if let [only] = given
            && only.trim().eq_ignore_ascii_case("all")
        {
            let order = stages(ctx)?;
            return Self::some(words::StageWords::Any, order.clone(), order);
        }
        if given.is_empty() {
            return Err(failure::invalid_input(
                "stages",
                "the list is empty",
                "Name at least one stage, or leave it out for the open ones.",
            ));
        }
        let options = stage_options(ctx)?;
        let mut wanted: Vec<String> = Vec::new();
        for name in given {
            let stage = options.choose("stages", name)?;
            if !wanted.contains(&stage) {
                wanted.push(stage);
            }
        }
        let order = options.values();
        let place = |stage: &String| order.iter().position(|known| known == stage);
        wanted.sort_by_key(place);
        Self::some(words::StageWords::Named, wanted, order)
    }

    fn some(
        named: words::StageWords,
        stages: Vec<String>,
        order: Vec<String>,
    ) -> Result<Self, Failure> {
        match stages.len() {
            0 => Err(failure::invalid_input(
                "stages",
                "every stage of this workspace ends a deal, so none is open",
                "Name stages, or give `all`.",
            )),
            1..=STAGES => Ok(Self {
                stages,
                named,
                order,
            }),
            _ => Err(failure::invalid_input(
                "stages",
                format!("they are more than {STAGES}"),
                "Name fewer stages.",
            )),
        }
    }
}

/// The close dates that are asked for.
struct Period {
    days: words::Days,
    from: String,
    until: String,
    after: Vec<String>,
    on: Vec<String>,
}

impl Period {
    fn read(ctx: &Context<'_>, from: Option<&str>, to: Option<&str>) -> Result<Self, Failure> {
        let parse = |field: &str, given: Option<&str>| {
            let given = given.map(str::trim);
            given.map(|text| day::parse(field, text)).transpose()
        };
        let (first, last) = (parse("closesFrom", from)?, parse("closesTo", to)?);
        if let (Some(from), Some(to)) = (first, last)
            && from > to
        {
            return Err(failure::invalid_input(
                "closesFrom",
                format!("{from} is after closesTo, {to}"),
                "Give the earlier day as closesFrom and the later one as closesTo.",
            ));
        }
        let zone = ctx.zone();
        let exact = |time: Timestamp| vec![precise(time)];
        let beyond = last.map(|day| plus_days(day, 1));
        Ok(Self {
            days: (first, last),
            from: first.map_or_else(|| ON.to_owned(), |day| text::instant(zone.start(day))),
            until: beyond.map_or_else(|| OFF.to_owned(), |day| text::instant(zone.start(day))),
            after: beyond.map_or_else(|| vec![OFF.to_owned()], |day| exact(utc_midnight(day))),
            on: first.map_or_else(|| vec![OFF.to_owned()], |day| exact(utc_midnight(day))),
        })
    }
}

/// The amounts that are asked for, whatever their currency.
struct Amounts {
    from: Option<(Micros, i64)>,
    to: Option<(Micros, i64)>,
    none: bool,
}

impl Amounts {
    fn read(request: &DealsRequest) -> Result<Self, Failure> {
        let parse = |field: &str, given: &Option<String>| -> Result<_, Failure> {
            let Some(given) = given else { return Ok(None) };
            let micros = micros(field, given)?;
            Ok(micros.number().map(|number| (micros, number)))
        };
        let from = parse("amountFrom", &request.amount_from)?;
        let to = parse("amountTo", &request.amount_to)?;
        let none = request.no_amount.unwrap_or(false);
        if none && (from.is_some() || to.is_some()) {
            return Err(failure::invalid_input(
                "noAmount",
                "deals without an amount are in no range of amounts",
                "Give either noAmount, or amountFrom and amountTo.",
            ));
        }
        if let (Some((from, least)), Some((to, most))) = (from, to)
            && least > most
        {
            return Err(failure::invalid_input(
                "amountFrom",
                format!("{} is over amountTo, {}", from.decimal(), to.decimal()),
                "Give the smaller amount as amountFrom and the larger one as amountTo.",
            ));
        }
        Ok(Self { from, to, none })
    }
}
