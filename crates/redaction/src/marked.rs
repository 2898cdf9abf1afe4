//! Numbers that a word or a prefix says are something else than somebody's: of invoices, orders,
//! tickets, books, times.

use alloc::string::String;

use crate::number;
use crate::phone;
use crate::view::View;

/// Words for things that are numbered, in small letters, in common languages. `invoice`,
/// `invoices`, `invoiceno` and `invoice no.` are one.
const THINGS: [&str; 151] = [
    "invoice",
    "inv",
    "order",
    "ord",
    "ticket",
    "po",
    "purchaseorder",
    "salesorder",
    "rma",
    "ref",
    "reference",
    "case",
    "contract",
    "quote",
    "quotation",
    "offer",
    "sku",
    "article",
    "item",
    "product",
    "part",
    "serial",
    "batch",
    "tracking",
    "shipment",
    "parcel",
    "delivery",
    "isbn",
    "issn",
    "ean",
    "gtin",
    "upc",
    "asin",
    "doi",
    "imei",
    "vin",
    "build",
    "version",
    "revision",
    "rev",
    "commit",
    "issue",
    "bug",
    "request",
    "incident",
    "project",
    "job",
    "booking",
    "reservation",
    "confirmation",
    "claim",
    "receipt",
    "voucher",
    "deal",
    "opportunity",
    "record",
    "object",
    "transaction",
    "payment",
    "timestamp",
    "ts",
    "epoch",
    "unix",
    "unixtime",
    "created",
    "updated",
    "modified",
    "deleted",
    "createdat",
    "updatedat",
    "deletedat",
    "expires",
    "iat",
    "nbf",
    "seq",
    "sequence",
    "offset",
    "cursor",
    "revisionid",
    // German.
    "rechnung",
    "bestellung",
    "bestell",
    "auftrag",
    "vorgang",
    "beleg",
    "lieferschein",
    "angebot",
    "vertrag",
    "artikel",
    "serien",
    "referenz",
    "aktenzeichen",
    "zeitstempel",
    "sendung",
    "paket",
    "buchung",
    "chargen",
    "charge",
    "projekt",
    "anfrage",
    // French.
    "facture",
    "commande",
    "devis",
    "contrat",
    "dossier",
    "r\u{e9}f\u{e9}rence",
    "colis",
    "horodatage",
    // Spanish and Portuguese.
    "factura",
    "pedido",
    "presupuesto",
    "contrato",
    "referencia",
    "expediente",
    "env\u{ed}o",
    "recibo",
    "fatura",
    "encomenda",
    "protocolo",
    // Italian.
    "fattura",
    "ordine",
    "preventivo",
    "contratto",
    "riferimento",
    "pratica",
    "spedizione",
    // Dutch, Danish, Norwegian, Swedish.
    "factuur",
    "bestelling",
    "offerte",
    "referentie",
    "faktura",
    "ordre",
    "bestilling",
    "\u{e4}rende",
    "tilbud",
    // Polish, Russian.
    "zam\u{f3}wienie",
    "paragon",
    "umowa",
    "\u{441}\u{447}\u{435}\u{442}",
    "\u{441}\u{447}\u{451}\u{442}",
    "\u{437}\u{430}\u{43a}\u{430}\u{437}",
    "\u{434}\u{43e}\u{433}\u{43e}\u{432}\u{43e}\u{440}",
    // Chinese, Japanese, Korean.
    "\u{53d1}\u{7968}",
    "\u{8ba2}\u{5355}",
    "\u{8a02}\u{55ae}",
    "\u{8acb}\u{6c42}\u{66f8}",
    "\u{6ce8}\u{6587}",
    "\u{4f1d}\u{7968}",
    "\u{8f38}\u{5165}",
    "\u{c8fc}\u{bb38}",
    "\u{c1a1}\u{c7a5}",
];

/// Words for people: what follows one is as likely their phone, unless it is called a number or an
/// id.
const WHO: [&str; 9] = [
    "customer", "client", "cliente", "kunde", "kunden", "lead", "member", "mitglied", "klant",
];

/// Words between one of those and its number, or at the end of one.
const BETWEEN: [&str; 21] = [
    "no",
    "nr",
    "num",
    "number",
    "numbers",
    "nummer",
    "numero",
    "n\u{fa}mero",
    "num\u{e9}ro",
    "numer",
    "n",
    "nbr",
    "id",
    "ids",
    "is",
    "code",
    "at",
    "\u{53f7}",
    "\u{756a}\u{53f7}",
    "\u{865f}",
    "\u{ac}",
];

/// Words before `_id` that mark a number as personal all the same.
const PEOPLE: [&str; 12] = [
    "bank", "iban", "tax", "ssn", "card", "phone", "tel", "mobile", "passport", "social",
    "national", "whatsapp",
];

/// Capitals before a dash that are no prefix of an identifier.
const PHONES: [&str; 18] = [
    "T", "P", "M", "F", "W", "H", "TEL", "FAX", "MOB", "PH", "CELL", "FON", "HP", "TLF", "GSM",
    "WA", "FONE", "HANDY",
];

/// Most letters of a prefix such as `INV-`.
const PREFIX_MAX: usize = 8;
/// Longest word that is looked at.
const WORD_MAX: usize = 32;
/// Most signs between a word and its number.
const GAP_MAX: usize = 4;

/// Keeps such numbers as they are. A card stays one whatever word stands before it, and so does a
/// phone number with its plus.
pub(crate) fn leave(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_ascii_digit() {
            index += 1;
            continue;
        }
        if !view.begins(index) {
            index = view.run(index, |c| c.is_ascii_digit());
            continue;
        }
        let end = book(view, index).or_else(|| {
            let marked = is_marked(view, index);
            let run = marked.then(|| number::run(view, index))?;
            let card = number::card(view, &run.groups).is_some();
            (!card).then(|| token(view, &run, index))
        });
        index = match end {
            Some(end) => {
                view.keep(index, end);
                end
            }
            None => view.run(index, |c| c.is_ascii_digit()),
        };
    }
}

/// The end of what a mark stands before: what signs join tightly, letters among it, and digits
/// behind single spaces that are no number of a phone by themselves.
fn token(view: &View<'_>, run: &number::Run, index: usize) -> usize {
    let tight = |from: usize| {
        let mut end = from;
        loop {
            end = view.run(end, char::is_alphanumeric);
            let joined = view.is(end, |c| "-./_".contains(c))
                && view.is(end + 1, |c| c.is_ascii_alphanumeric());
            if !joined {
                return end;
            }
            end += 1;
        }
    };
    let mut end = tight(index);
    for group in &run.groups {
        let follows = group.start == end + 1
            && view.is(end, |c| c == ' ')
            && !view.is(group.start, |c| c == '0')
            && view.get(group.end) != Some('-');
        if group.start > end && !follows {
            break;
        }
        if follows {
            end = tight(group.start);
        }
    }
    end
}

/// The end of an ISBN of thirteen digits whose check digit fits.
fn book(view: &View<'_>, index: usize) -> Option<usize> {
    if !view.starts(index, "97") {
        return None;
    }
    let (mut sum, mut digits, mut at) = (0, 0, index);
    while digits < 13 {
        let next = view.skip(at, 1, |c| digits > 0 && matches!(c, '-' | ' '));
        let value = view.get(next)?.to_digit(10)?;
        // It is written in five parts, or in one.
        sum += value * if digits % 2 == 0 { 1 } else { 3 };
        digits += 1;
        at = next + 1;
    }
    let known = view.is(index + 2, |c| matches!(c, '8' | '9'));
    (known && sum % 10 == 0 && !view.is(at, char::is_alphanumeric)).then_some(at)
}

/// Returns true if a word or a prefix before an index shows that its number identifies no person.
fn is_marked(view: &View<'_>, index: usize) -> bool {
    if phone::has_plus(view, index) {
        return false;
    }
    // `order: 030 1234567` is written as a phone number, `order no. 030 1234567` is called
    // something else.
    let digits = view.run(index, |c| c.is_ascii_digit());
    let as_phone = view.is(index, |c| c == '0')
        && view.is(digits, |c| " /-".contains(c))
        && view.is(digits + 1, |c| c.is_ascii_digit());
    match called(view, index) {
        Some(Called::Number) => true,
        Some(Called::Thing) => !as_phone,
        None => is_prefixed(view, index),
    }
}

/// The kind of name before a number.
enum Called {
    /// By a word for a thing and one for its number, or as a field that ends in `_id`.
    Number,
    /// By a word for a thing.
    Thing,
}

/// `INV-2026001234`, `PO#4500012345`, `#123456789`, `A_20260012`.
fn is_prefixed(view: &View<'_>, index: usize) -> bool {
    let Some(sign) = view.before(index) else {
        return false;
    };
    if sign == '#' {
        return true;
    }
    if !matches!(sign, '-' | '_' | '/') {
        return false;
    }
    let end = index - 1;
    let mut start = end;
    while end - start <= PREFIX_MAX && view.before(start).is_some_and(char::is_alphanumeric) {
        start -= 1;
    }
    let letters: String = (start..end).filter_map(|at| view.get(at)).collect();
    let capitals = letters
        .chars()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    (1..=PREFIX_MAX).contains(&letters.len())
        && capitals
        && letters.starts_with(|c: char| c.is_ascii_uppercase())
        && !PHONES.contains(&letters.as_str())
}

/// `order no. 100200300`, `customer_id: 1234567890`, `Rechnungsnummer 1234567890`.
fn called(view: &View<'_>, index: usize) -> Option<Called> {
    let mut at = index;
    let (mut field, mut between) = (false, false);
    for _ in 0..3 {
        let mut end = at;
        while at - end < GAP_MAX && view.before(end).is_some_and(is_gap) {
            end -= 1;
        }
        let mut start = end;
        while end - start < WORD_MAX && view.before(start).is_some_and(char::is_alphabetic) {
            start -= 1;
        }
        let word: String = (start..end)
            .filter_map(|at| view.get(at))
            .flat_map(char::to_lowercase)
            .collect();
        if word.is_empty() {
            // `ISBN-13: ...`
            let digits = view.before(end).is_some_and(|c| c.is_ascii_digit());
            if digits
                && at == index
                && (view.starts(end.saturating_sub(2), "13")
                    || view.starts(end.saturating_sub(2), "10"))
            {
                at = end - 2;
                continue;
            }
            return None;
        }
        let name = field_of(view, start, end, &word);
        if field || name.is_some() {
            let name = name.unwrap_or(&word);
            let people = PEOPLE.iter().any(|known| name.contains(known));
            return (!people).then_some(Called::Number);
        }
        match thing(&word) {
            Some(Called::Thing) if !between => return Some(Called::Thing),
            Some(_) => return Some(Called::Number),
            None if between && WHO.contains(&word.as_str()) => return Some(Called::Number),
            None if !BETWEEN.contains(&word.as_str()) => return None,
            None => between = true,
        }
        // `customer_id` is a field, `the id` is none.
        field = matches!(word.as_str(), "id" | "ids") && view.before(start) == Some('_');
        at = start;
    }
    None
}

/// The name before `Id` in `customerId`.
fn field_of<'w>(view: &View<'_>, start: usize, end: usize, word: &'w str) -> Option<&'w str> {
    let hump = |length: usize| {
        end.checked_sub(length)
            .is_some_and(|at| at > start && view.is(at, |c| c == 'I'))
    };
    match word {
        _ if word.ends_with("ids") && hump(3) => word.get(..word.len() - 3),
        _ if word.ends_with("id") && hump(2) => word.get(..word.len() - 2),
        _ => None,
    }
}

/// Classifies a word before a number: a thing, its plural, or a compound that ends in a word for a
/// number.
fn thing(word: &str) -> Option<Called> {
    let known = |word: &str, words: &[&str]| {
        let bare = word.strip_suffix('s').unwrap_or(word);
        words.contains(&word) || words.contains(&bare)
    };
    if known(word, &THINGS) {
        return Some(Called::Thing);
    }
    BETWEEN
        .iter()
        .filter_map(|end| word.strip_suffix(end))
        .any(|stem| known(stem, &THINGS) || known(stem, &WHO))
        .then_some(Called::Number)
}

fn is_gap(c: char) -> bool {
    " :#=.-_\"'(/\t\u{b0}\u{ba}".contains(c)
}
