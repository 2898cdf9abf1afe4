//! Members, companies and people of the sample workspace.

use uuid::Uuid;

use super::{member_id, note_id, person_id};

/// Robin Hale, the caller of the demo.
pub const ROBIN: Uuid = member_id(1);
/// Robin's address.
pub const ROBIN_EMAIL: &str = "robin@example.com";
/// Robin's time zone: west of UTC, so that a late task today is due tomorrow in UTC.
pub const ROBIN_TIME_ZONE: &str = "America/New_York";
/// Sam Okafor, Robin's colleague.
pub const SAM: Uuid = member_id(2);
/// Sam's address.
pub const SAM_EMAIL: &str = "sam@example.com";
/// A member who is gone (soft-deleted).
pub const FORMER_MEMBER: Uuid = member_id(6);
/// A person who is gone (soft-deleted).
pub const FORMER_PERSON: Uuid = person_id(26);
/// A note that tries to give orders to whoever reads it.
pub const INJECTED_NOTE: Uuid = note_id(201);

pub(super) struct Member {
    pub first: &'static str,
    pub last: &'static str,
    pub email: &'static str,
    pub time_zone: &'static str,
    pub deleted: bool,
}

const fn member(
    first: &'static str,
    last: &'static str,
    email: &'static str,
    time_zone: &'static str,
) -> Member {
    Member {
        first,
        last,
        email,
        time_zone,
        deleted: false,
    }
}

pub(super) const MEMBERS: &[Member] = &[
    member("Robin", "Hale", ROBIN_EMAIL, ROBIN_TIME_ZONE),
    member("Sam", "Okafor", SAM_EMAIL, "Europe/London"),
    member("Priya", "Raman", "priya@example.com", "Asia/Kolkata"),
    member("Tomás", "Vega", "tomas@example.com", "system"),
    member("Ingrid", "Solberg", "ingrid@example.com", "Europe/Oslo"),
    Member {
        deleted: true,
        ..member("Dana", "Whitlock", "dana@example.com", "system")
    },
];

pub(super) struct Company {
    pub name: &'static str,
    pub domain: &'static str,
    pub city: &'static str,
    pub owner: u32,
}

const fn company(
    name: &'static str,
    domain: &'static str,
    city: &'static str,
    owner: u32,
) -> Company {
    Company {
        name,
        domain,
        city,
        owner,
    }
}

pub(super) const COMPANIES: &[Company] = &[
    company("Acme Industrial", "acme.example", "Pittsburgh", 1),
    company("Bluefin Logistics", "bluefin.example", "Rotterdam", 1),
    company("Cobalt Health", "cobalthealth.example", "Boston", 2),
    company("Dunmore & Sons", "dunmore.example", "Dublin", 2),
    company("Évora Têxteis", "evora.example", "Évora", 3),
    company("Fjord Energi", "fjord.example", "Bergen", 5),
    company("Gähler Maschinenbau", "gaehler.example", "Stuttgart", 4),
    company(
        "Harbour Lights Media",
        "harbourlights.example",
        "Bristol",
        1,
    ),
    company("شركة النور", "alnoor.example", "Amman", 3),
    company("Juniper Labs", "juniper.example", "Portland", 1),
    company("Kestrel Aviation", "kestrel.example", "Toulouse", 4),
    company("株式会社ひかり", "hikari.example", "Osaka", 0),
];

pub(super) struct Person {
    pub first: &'static str,
    pub last: &'static str,
    /// The part of the address before the @; none where empty.
    pub mailbox: &'static str,
    pub job: &'static str,
    /// The company; 0 is none.
    pub company: u32,
    /// Age of the record in days.
    pub made: i64,
    pub deleted: bool,
}

const fn person(
    first: &'static str,
    last: &'static str,
    mailbox: &'static str,
    job: &'static str,
    company: u32,
    made: i64,
) -> Person {
    Person {
        first,
        last,
        mailbox,
        job,
        company,
        made,
        deleted: false,
    }
}

/// Juniper Labs (10) and Kestrel Aviation (11) have one person each; every other company has two or
/// more.
pub(super) const PEOPLE: &[Person] = &[
    person(
        "Marta",
        "Keller",
        "marta.keller",
        "Head of Operations",
        1,
        120,
    ),
    person("Owen", "Briggs", "owen.briggs", "Procurement Lead", 1, 118),
    person(
        "Siobhán",
        "O'Rourke",
        "siobhan.orourke",
        "Plant Manager",
        1,
        2,
    ),
    person("Willem", "de Vries", "willem.devries", "COO", 2, 200),
    person("Joost", "van der Meer", "joost", "Fleet Manager", 2, 150),
    person("Anneke", "Bakker", "anneke.bakker", "CFO", 2, 90),
    person("Grace", "Mbeki", "grace.mbeki", "CIO", 3, 75),
    person("Noah", "Feldman", "noah.feldman", "Security Officer", 3, 70),
    person("Fiona", "Dunmore", "fiona", "Managing Director", 4, 300),
    person("Declan", "Dunmore", "declan", "Sales Director", 4, 290),
    person("Inês", "Carvalho", "ines.carvalho", "Head of Design", 5, 45),
    person("João", "Baptista", "joao.baptista", "IT Manager", 5, 44),
    person("Åse", "Lindqvist", "ase.lindqvist", "Grid Planner", 6, 60),
    person("Bjørn", "Håkonsen", "bjorn.hakonsen", "Buyer", 6, 1),
    person("Jürgen", "Gähler", "j.gaehler", "Geschäftsführer", 7, 500),
    person("Zoë", "Brânză", "zoe.branza", "Projektleiterin", 7, 36),
    person("Harriet", "Lowe", "harriet.lowe", "Producer", 8, 33),
    // Markup in a name is text, wherever it is shown.
    person(
        "<b>Mallory</b>",
        "Quint <script>alert(1)</script>",
        "mallory.quint",
        "Editor",
        8,
        32,
    ),
    person("محمد", "الفارسي", "m.alfarsi", "مدير المشتريات", 9, 80),
    person("נועה", "לוי", "noa.levi", "", 9, 79),
    person("Theo", "Marsh", "theo.marsh", "Founder", 10, 140),
    person(
        "Camille",
        "Ardent",
        "camille.ardent",
        "Directrice technique",
        11,
        64,
    ),
    person("ひかり", "田中", "hikari.tanaka", "部長", 12, 3),
    // Zero-width characters within both names.
    person(
        "A\u{200b}na",
        "Li\u{200d}ma\u{feff}",
        "ana.lima",
        "Analyst",
        12,
        20,
    ),
    person("Pat", "Nomad", "", "Consultant", 0, 0),
    Person {
        deleted: true,
        ..person("Leo", "Gonzaga", "leo.gonzaga", "Controller", 3, 260)
    },
];
