//! The quirks of the real service that a client's author must know, each shown by a fixture, or
//! listed here with the reason why none shows it yet.

/// Every quirk: the section of the design's page on Twenty with its place there, and a sentence.
pub(crate) const QUIRKS: &[(&str, &str)] = &[
    ("10.1", "REST's DELETE destroys for good"),
    (
        "10.2",
        "errors come with status 200, beside what other roots answer",
    ),
    ("10.3", "a missing variable is no error"),
    ("10.4", "a misspelt field reads null"),
    (
        "10.5",
        "a root field stands once in a request, aliases do not help",
    ),
    ("10.6", "mutations of one request race"),
    ("10.7", "arguments of nested to-many relations are ignored"),
    ("10.8", "REST filters have no escape"),
    ("10.9", "neq drops null"),
    ("10.10", "a cursor over a sort with nulls loses records"),
    (
        "10.11",
        "REST says 400 to what a role forbids, and 403 to no token",
    ),
    ("10.12", "a reached limit comes without retry-after"),
    ("10.13", "an upsert overwrites and revives"),
    (
        "10.14",
        "updatedAt does not move when tasks or notes are added",
    ),
    ("10.15", "stages and fields are the workspace's own"),
    (
        "10.16",
        "dueAt and closeDate are instants, a date alone is midnight UTC",
    ),
    ("10.17", "/rest/core is not where REST is"),
    (
        "10.18",
        "text is any text: markup, other directions, zero width",
    ),
    ("10.19", "NUL within text fails the request"),
    (
        "10.20",
        "amounts are whole millionths, as a double holds them",
    ),
    (
        "11.lost",
        "a relation nested in a to-one without deletedAt reads null or empty",
    ),
    ("11.kept", "with deletedAt it is answered"),
    ("11.behind-many", "a to-one behind a to-many is answered"),
    (
        "11.target-gone",
        "a relation to a soft-deleted record reads null, and its id beside it too",
    ),
    ("11.id-alone", "the id alone keeps its value"),
    ("11.id-filter", "filters on the id see it as it is stored"),
    (
        "11.destroyed-owner",
        "a member deleted for good leaves null",
    ),
    (
        "11.not-known",
        "null beside an id that is set is not known, never none",
    ),
    ("11.system-objects", "system objects take no permissions"),
    (
        "11.read-only-links",
        "a key that only reads creates links of tasks",
    ),
    ("11.read-only-history", "and entries of the history"),
    ("11.read-only-files", "and reads attachments"),
    (
        "11.whole-set",
        "permissions of a role are replaced as a whole, and update includes create",
    ),
    (
        "11.phone-alone",
        "a number alone is enough: country and code are found out",
    ),
    (
        "11.phone-conflict",
        "a number that contradicts its country is refused",
    ),
    ("11.phone-invalid", "and so is what is no number"),
    ("11.phone-empty", "an empty number leaves the codes"),
    (
        "11.emails-alone",
        "additional addresses alone empty the primary one",
    ),
    ("11.emails-like", "additional addresses take like"),
    ("11.emails-search", "search finds them"),
    (
        "11.amount-exact",
        "past 2^53 millionths an amount stays where a double holds it",
    ),
    (
        "11.amount-rounded",
        "and is rounded without a word where it does not",
    ),
    ("11.group-two", "groups by stage and currency together"),
    ("11.group-sums", "with sums and averages"),
    ("11.group-owner", "by the owner's id"),
    ("11.group-day", "by the day of a time in a zone"),
    ("11.group-month", "by its month"),
    ("11.group-filter", "each with a filter"),
    ("11.note-links", "a note and its links are two requests"),
    (
        "11.note-key",
        "a missing note is told by the name of a constraint alone",
    ),
    (
        "11.note-gone",
        "a soft-deleted note takes its links along, and brings them back",
    ),
    ("11.note-search", "search finds notes by title and by body"),
    (
        "11.merge",
        "merging records, dry or for good, and a second time",
    ),
    ("11.duplicates", "duplicates of a name"),
    ("11.ilike", "ilike minds accents, search does not"),
    (
        "11.event-stream",
        "accepting an event stream is answered with JSON",
    ),
    ("11.nil-id", "the id of zeroes alone is refused"),
    (
        "11.times",
        "how long the service takes for stages and for metadata",
    ),
    ("11.participants", "messages and meetings of a person"),
];

/// Quirks that no exchange can show.
pub(crate) const NO_EXCHANGE: &[(&str, &str)] = &[(
    "11.times",
    "how long an answer takes is no part of what is answered",
)];

/// Something that the stand-in does not play yet.
pub(crate) struct NotYet {
    /// The quirks that it would show.
    pub shows: &'static [&'static str],
    /// The recordings that it would be like.
    pub like: &'static [&'static str],
    /// The request that would show it.
    pub method: &'static str,
    pub path: &'static str,
    pub body: &'static str,
    pub why: &'static str,
}

const NO_REST: &str = "the product sends no REST, and the stand-in plays none";

const fn rest(shows: &'static [&'static str], method: &'static str, path: &'static str) -> NotYet {
    NotYet {
        shows,
        like: &[],
        method,
        path,
        body: "",
        why: NO_REST,
    }
}

const fn graphql(
    shows: &'static [&'static str],
    like: &'static [&'static str],
    body: &'static str,
    why: &'static str,
) -> NotYet {
    NotYet {
        shows,
        like,
        method: "POST",
        path: "/graphql",
        body,
        why,
    }
}

/// All that the stand-in does not play yet; the test fails when one of them is answered.
pub(crate) const NOT_YET: &[NotYet] = &[
    rest(
        &["10.1"],
        "DELETE",
        "/rest/people/5a000003-0000-4000-8000-000000000025",
    ),
    rest(
        &["10.8"],
        "GET",
        "/rest/people?filter=name.lastName[eq]:O'Rourke,jobTitle[eq]:Buyer",
    ),
    rest(&["10.11"], "GET", "/rest/people"),
    rest(&["10.17"], "GET", "/rest/core/people"),
    graphql(
        &["10.19"],
        &[],
        r#"{"query":"mutation{createTask(data:{title:\"a\\u0000b\"}){id}}"}"#,
        "the words of the refusal over GraphQL are not recorded, only those over REST",
    ),
    graphql(
        &["11.destroyed-owner"],
        &[],
        r#"{"query":"mutation{destroyWorkspaceMember(id:\"5a000001-0000-4000-8000-000000000006\"){id}}"}"#,
        "no recording shows a member being destroyed; an owner's id that reads null is an owner that there is not",
    ),
    NotYet {
        shows: &["11.system-objects", "11.whole-set"],
        like: &[],
        method: "POST",
        path: "/metadata",
        body: r#"{"query":"mutation($input:UpsertObjectPermissionsInput!){upsertObjectPermissions(upsertObjectPermissionsInput:$input){objectMetadataId}}","variables":{"input":{}}}"#,
        why: "roles are what a stand-in is started with",
    },
    graphql(
        &["11.read-only-history"],
        &[],
        r#"{"query":"mutation{createTimelineActivity(data:{name:\"seen\"}){id}}"}"#,
        "the history is the sample's own: a worker of the real service writes it",
    ),
    graphql(
        &["11.merge"],
        &[
            "twenty-next/merge-people-dry-run",
            "twenty-next/merge-people",
            "twenty-next/merge-people-again",
        ],
        r#"{"query":"mutation($ids:[UUID!]!,$i:Int!){mergePeople(ids:$ids,conflictPriorityIndex:$i,dryRun:true){id}}","variables":{"ids":["5a000003-0000-4000-8000-000000000001","5a000003-0000-4000-8000-000000000002"],"i":0}}"#,
        "nothing merges yet",
    ),
    graphql(
        &["11.duplicates"],
        &[
            "twenty-next/person-duplicates-by-data",
            "twenty-next/person-duplicates-by-ids",
        ],
        r#"{"query":"query($data:[PersonCreateInput!]!){personDuplicates(data:$data){totalCount}}","variables":{"data":[{"name":{"firstName":"Pat","lastName":"Nomad"}}]}}"#,
        "nothing asks for duplicates yet: names are found by search",
    ),
    graphql(
        &["11.participants"],
        &["twenty-next/messages-of-person"],
        r#"{"query":"query($id:UUID!){messageParticipants(first:5,filter:{personId:{eq:$id}}){totalCount}}","variables":{"id":"5a000003-0000-4000-8000-000000000001"}}"#,
        "the sample has no mail",
    ),
    graphql(
        &["11.participants"],
        &["twenty-next/calendar-of-person"],
        r#"{"query":"query($id:UUID!){calendarEventParticipants(first:5,filter:{personId:{eq:$id}}){totalCount}}","variables":{"id":"5a000003-0000-4000-8000-000000000001"}}"#,
        "the sample has no meetings",
    ),
    NotYet {
        shows: &[],
        like: &["twenty-next/webhook-list"],
        method: "POST",
        path: "/metadata",
        body: r#"{"query":"{webhooks{id targetUrl operations}}"}"#,
        why: "nothing asks for webhooks yet",
    },
];
