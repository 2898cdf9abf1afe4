//! Tests of redaction: values that are replaced, text that stays, and that a second run changes
//! nothing.

use proptest::prelude::*;
use redaction::{Kind, redact};

fn becomes(table: &[(&str, &str)]) {
    for (given, expected) in table {
        let redacted = redact(given);
        assert_eq!(&redacted.text, expected, "{given:?}");
        let again = redact(&redacted.text);
        assert_eq!(
            (again.text.as_str(), again.count),
            (*expected, 0),
            "{given:?} twice"
        );
    }
}

fn stay(texts: &[&str]) {
    for text in texts {
        let redacted = redact(text);
        assert_eq!(
            (redacted.text.as_str(), redacted.count),
            (*text, 0),
            "{text:?}"
        );
        assert_eq!(redacted.found, []);
    }
}

#[test]
fn addresses_are_taken_out() {
    becomes(&[
        ("anna@example.com", "[e-mail address]"),
        (
            "Ask Anna <anna.lee+crm@mail.example.co.uk>, please.",
            "Ask Anna <[e-mail address]>, please.",
        ),
        ("anna@example.com.Tomorrow", "[e-mail address]"),
        (
            "anna@example.com,bert@example.com",
            "[e-mail address],[e-mail address]",
        ),
        (
            "mailto:anna@example.com?subject=x",
            "mailto:[e-mail address]?subject=x",
        ),
        ("(anna@example.com)", "([e-mail address])"),
        ("'anna@example.com'", "'[e-mail address]'"),
        ("**anna@example.com**", "**[e-mail address]**"),
        ("\"anna lee\"@example.com", "[e-mail address]"),
        ("a@b@example.com", "a@[e-mail address]"),
        ("anna@bücher.example", "[e-mail address]"),
        ("anna@example.xn--p1ai", "[e-mail address]"),
        ("анна@пример.рф", "[e-mail address]"),
        ("ANNA_LEE@EXAMPLE.COM", "[e-mail address]"),
        ("anna (at) example (dot) com", "[e-mail address]"),
        ("anna[at]example[dot]com", "[e-mail address]"),
        ("anna@example.com-", "[e-mail address]-"),
        ("x4111111111111111@example.com", "[e-mail address]"),
    ]);
}

#[test]
fn phone_numbers_are_taken_out() {
    becomes(&[
        ("+49 30 1234567", "[phone number]"),
        ("+49 (0)30 123 45-67", "[phone number]"),
        ("+1 (415) 555-0199.", "[phone number]."),
        ("(030) 1234567", "[phone number]"),
        ("(0)30 1234567", "[phone number]"),
        ("call 555-0199 now", "call [phone number] now"),
        ("415-555-0199", "[phone number]"),
        ("415.555.0199", "[phone number]"),
        ("1-800-555-0199", "[phone number]"),
        ("415-555-0199 x12", "[phone number] x12"),
        ("0171/1234567", "[phone number]"),
        ("030 / 123 456", "[phone number]"),
        ("06 12 34 56 78", "[phone number]"),
        ("020 7946 0958", "[phone number]"),
        ("7946 0958", "[phone number]"),
        ("0044 20 7946 0958", "[phone number]"),
        ("+4930123456", "[phone number]"),
        ("tel:+49-30-1234567", "tel:[phone number]"),
        ("Tel.0301234567", "Tel.[phone number]"),
        ("0301234567", "[phone number]"),
        ("4155550199", "[phone number]"),
        ("+ 4 9 3 0 1 2 3 4 5 6", "[phone number]"),
        ("555-0199, 555-0200", "[phone number], [phone number]"),
        ("2026-03-31 0301234567", "2026-03-31 [phone number]"),
    ]);
}

#[test]
fn cards_and_accounts_are_taken_out() {
    becomes(&[
        ("4111 1111 1111 1111", "[card number]"),
        ("4111-1111-1111-1111", "[card number]"),
        ("card 4111111111111111, 12/27", "card [card number], 12/27"),
        ("3782 822463 10005", "[card number]"),
        ("4222222222222", "[card number]"),
        ("5 5 5 5 5 5 5 5 5 5 5 5 4 4 4 4", "[card number]"),
        ("49 4111 1111 1111 1111 123", "49 [card number] 123"),
        ("DE89 3704 0044 0532 0130 00", "[account number]"),
        ("DE89370400440532013000", "[account number]"),
        ("de89-3704-0044-0532-0130-00", "[account number]"),
        (
            "GB82 WEST 1234 5698 7654 32 is theirs",
            "[account number] is theirs",
        ),
        ("NO93 8601 1117 947", "[account number]"),
        ("MT84MALT011000012345MTLCAST001S", "[account number]"),
        ("IBAN DE89 3704 0044 0532 0130 01", "IBAN [account number]"),
        ("account 12345678", "account [account number]"),
        ("Account no.: 12345678", "Account no.: [account number]"),
        (
            "bank account number is 1234 5678",
            "bank account number is [account number]",
        ),
        ("Konto 12345678", "Konto [account number]"),
        ("Kto-Nr. 12345678", "Kto-Nr. [account number]"),
        ("1234567890123456789012", "[account number]"),
    ]);
}

#[test]
fn keys_are_taken_out() {
    becomes(&[
        ("sk-abc12345", "[key]"),
        ("use sk-proj-Ab12Cd34Ef56 here", "use [key] here"),
        ("ghp_abcDEF1234567890abcDEF1234567890abcd", "[key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("xoxb-1234567890-abcdef", "[key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[key]"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "[key]"),
        ("Authorization: Bearer x", "Authorization: Bearer [key]"),
        ("Authorization: abc", "Authorization: [key]"),
        ("Bearer abc123", "Bearer [key]"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic [key]"),
        ("password: x", "password: [key]"),
        ("Password=hunter2, then", "Password=[key] then"),
        ("The password is hunter2.", "The password is [key]"),
        ("password hunter2", "password [key]"),
        ("password: \"two words\"", "password: \"[key]\""),
        ("password: “two words”", "password: “[key]”"),
        ("{\"password\": \"x\"}", "{\"password\": \"[key]\"}"),
        ("DB_PASSWORD=abc", "DB_PASSWORD=[key]"),
        ("Passwort: geheim", "Passwort: [key]"),
        ("API key: abcd", "API key: [key]"),
        ("api_key=abcd", "api_key=[key]"),
        ("client-secret: abcd", "client-secret: [key]"),
        ("?access_token=abcd", "?access_token=[key]"),
        ("PIN: 1234", "PIN: [key]"),
        ("CVV 123", "CVV [key]"),
        (
            "https://user:pass@example.com/x",
            "https://[key]@example.com/x",
        ),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY9", "[key]"),
        ("AbCdEf123456GhIjKl789012", "[key]"),
        ("id 0f8a1b2c3d4e5f60718293a4b5c6d7e8", "id [key]"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\nabcd\n-----END PRIVATE KEY-----\nBye",
            "[key]\nBye",
        ),
        ("Hi -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd", "Hi [key]"),
        ("password: anna@example.com", "password: [e-mail address]"),
        ("password: a:anna@example.com", "password: [key]"),
        (
            "token: 0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001",
            "token: [key]",
        ),
    ]);
}

#[test]
fn escapes_and_odd_signs_hide_nothing() {
    becomes(&[
        ("anna&#64;example.com", "[e-mail address]"),
        ("anna&#x40;example&#46;com", "[e-mail address]"),
        ("anna&commat;example&period;com!", "[e-mail address]!"),
        ("anna%40example.com", "[e-mail address]"),
        ("mailto:anna%2540example.com", "mailto:[e-mail address]"),
        (r"anna\u0040example.com", "[e-mail address]"),
        (
            r#"{\"to\":\"anna\u0040example.com\"}"#,
            r#"{\"to\":\"[e-mail address]\"}"#,
        ),
        ("anna at example dot com", "[e-mail address]"),
        (
            "write to anna dot lee at mail dot example dot co dot uk today",
            "write to [e-mail address] today",
        ),
        ("anna.lee AT example DOT com", "[e-mail address]"),
        ("anna \u{e4}t example punkt de", "[e-mail address]"),
        ("ana arroba ejemplo punto es", "[e-mail address]"),
        ("%2B49%2030%201234567", "[phone number]"),
        ("+49&nbsp;30&#32;1234567", "[phone number]"),
        ("0151|2345678", "[phone number]"),
        ("+49~30~1234567", "[phone number]"),
        ("+49_30_1234567", "[phone number]"),
        ("0151*2345678", "[phone number]"),
        ("+49 30\n123\n4567", "[phone number]"),
        ("0151\n234\n5678", "[phone number]"),
        ("415\n555\n0199", "[phone number]"),
        ("O151 2345678", "[phone number]"),
        ("0l51 2345678", "[phone number]"),
        ("+49 3O 1234567", "[phone number]"),
        ("4111x1111x1111x1111", "[card number]"),
        ("4111|1111|1111|1111", "[card number]"),
        ("4111\n1111\n1111\n1111", "[card number]"),
        ("4111, 1111, 1111, 1111", "[card number]"),
        ("41l1 1111 1111 1111", "[card number]"),
        (
            "DE89&#32;3704&#32;0044&#32;0532&#32;0130&#32;00",
            "[account number]",
        ),
        ("password&#58; hunter2", "password&#58; [key]"),
    ]);
    stay(&[
        "meet me at noon dot dot dot",
        "look at example.com",
        "arrive at nine on the dot",
        "| 1200 | 3400 | 5600 |",
        "|2024|2025|2026|",
        "1200\n3400\n5600",
        "0101\n0102\n0103\n0104",
        "007\n008\n009",
        "10l 20l 30l, O2 Germany, H2O",
        "AT&T, R&D, 100%, 50%25",
        "C:\\new\\table\\2026",
        "1920x1080x32",
        "2026~2027~2028",
    ]);
}

#[test]
fn what_a_word_marks_as_something_else_stays() {
    stay(&[
        "Invoice 2026001234",
        "invoice no. 2026-001234567",
        "Invoice number: 4500012345",
        "INV-2026001234",
        "INV-2026-0001234567",
        "inv 100200300400",
        "order 4500012345",
        "Order #1002003004",
        "order no. 030 1234567",
        "purchase order 4500012345",
        "PO 4500012345, PO#4500012346, PO-4500012347, PO4500012348",
        "ticket 123456789 and ticket #987654321",
        "JIRA-1234567890",
        "case number 500123456789",
        "quote Q-20260001234",
        "SKU 123456789012, EAN 4006381333931",
        "tracking number 003404341612345678",
        "customer_id: 1234567890",
        "customerId=1234567890",
        "\"userId\": 1234567890123",
        "order_id 123456789, deal-id 123456789",
        "account_id: 123456789012",
        "customer no. 1234567890",
        "#123456789",
        "timestamp 1774915200",
        "ts: 1774915200000",
        "\"timestamp\":1774915200",
        "created_at=1774915200, createdAt: 1774915200123",
        "epoch 1774915200",
        "20260331T170000Z, 20260331170000, 20260331-1700",
        "ISBN 978-3-16-148410-0",
        "ISBN-13: 978 3 16 148410 0",
        "ISBN 9783161484100 and 978-3-16-148410-0 alone",
        "ISBN 3-16-148410-5",
        "Rechnung 2026001234",
        "Rechnungsnummer 2026001234",
        "Rechnungs-Nr. 2026001234",
        "Bestellung 4500012345, Bestellnummer: 4500012345",
        "Auftrag Nr. 4500012345, Auftragsnummer 4500012345",
        "Kundennummer 1234567890, Kunden-Nr. 1234567890",
        "Vorgang 123456789, Vertragsnummer 123456789",
        "facture 2026001234, commande n\u{b0} 4500012345",
        "factura 2026001234, pedido 4500012345, n\u{fa}mero de pedido: 4500012345",
        "fattura 2026001234, ordine 4500012345",
        "factuur 2026001234, bestelling 4500012345, ordernummer 4500012345",
        "faktura 2026001234",
        "\u{437}\u{430}\u{43a}\u{430}\u{437} 4500012345",
        "\u{8ba2}\u{5355}\u{53f7} 4500012345, \u{8ba2}\u{5355}\u{53f7}\u{ff1a}4500012345",
    ]);
    becomes(&[
        ("order: +49 30 1234567", "order: [phone number]"),
        ("order: 030 1234567", "order: [phone number]"),
        (
            "to order, call 030 1234567",
            "to order, call [phone number]",
        ),
        (
            "invoice 2026001234, tel 030 1234567",
            "invoice 2026001234, tel [phone number]",
        ),
        ("order 4111 1111 1111 1111", "order [card number]"),
        ("Customer 415-555-0199", "Customer [phone number]"),
        ("phone_id: 030 1234567", "phone_id: [phone number]"),
        ("TEL-0301234567", "TEL-[phone number]"),
        ("account id 12345678", "account id [account number]"),
    ]);
}

#[test]
fn eight_digits_after_a_phone_word_are_redacted() {
    becomes(&[
        ("Tel 12345678", "Tel [phone number]"),
        ("Tel.: 12 34 56 78", "Tel.: [phone number]"),
        ("phone 91234567", "phone [phone number]"),
        ("Phone number: 9123 4567", "Phone number: [phone number]"),
        ("my mobile is 91234567.", "my mobile is [phone number]."),
        ("Telefon 12345678", "Telefon [phone number]"),
        ("Telefonnummer 12345678", "Telefonnummer [phone number]"),
        ("Handynr. 12345678", "Handynr. [phone number]"),
        ("tlf. 12345678", "tlf. [phone number]"),
        ("t\u{e9}l. 12345678", "t\u{e9}l. [phone number]"),
        ("tel\u{e9}fono: 12345678", "tel\u{e9}fono: [phone number]"),
        ("m\u{f3}vil 12345678", "m\u{f3}vil [phone number]"),
        (
            "\u{442}\u{435}\u{43b}. 12345678",
            "\u{442}\u{435}\u{43b}. [phone number]",
        ),
        ("\u{7535}\u{8bdd}12345678", "\u{7535}\u{8bdd}[phone number]"),
        (
            "\u{96fb}\u{8a71}\u{ff1a}12345678",
            "\u{96fb}\u{8a71}\u{ff1a}[phone number]",
        ),
        (
            "\u{c804}\u{d654} 12345678",
            "\u{c804}\u{d654} [phone number]",
        ),
        ("fax 12345678", "fax [phone number]"),
        ("WhatsApp: 91234567", "WhatsApp: [phone number]"),
    ]);
    stay(&[
        "hotel 12345678",
        "telemetry 12345678",
        "a phone for 12345678 EUR",
        "phones 2025 2026",
        "12345678",
    ]);
}

#[test]
fn iban_is_redacted_with_any_separator() {
    let groups = ["DE89", "3704", "0044", "0532", "0130", "00"];
    for separator in [
        " ", "", "-", ".", "  ", "   ", "\n", "\r\n", " \n ", "/", "_", " - ", ", ", "\t",
        "\u{a0}", "|", "\u{b7}",
    ] {
        let text = format!("to {} by Friday", groups.join(separator));
        assert_eq!(
            redact(&text).text,
            "to [account number] by Friday",
            "{separator:?}"
        );
    }
    becomes(&[
        ("GB82.WEST.1234.5698.7654.32", "[account number]"),
        ("FR14 2004 1010 0505 0001 3M02 606", "[account number]"),
        ("DE89\n3704\n0044\n0532\n0130\n00", "[account number]"),
        // Copied wrongly, or cut.
        ("DE89 3704 0044 0532 0130 01", "[account number]"),
        ("pay DE89 3704 0044 0532 0130", "pay [account number]"),
        ("1234-5678-9012-3456-7890", "[account number]"),
        ("1234 5678 9012 3456 7890", "[account number]"),
    ]);
}

/// A number is taken out as a whole or not at all: no digit stands right beside what stands in its
/// place.
#[test]
fn nothing_is_taken_out_by_half() {
    for text in [
        "2026-0001234567-7788",
        "X-2026-0001234567-7788",
        "1234567890-001",
        "100.200.300.400.500.600",
        "DE89.3704.0044.0532.0130.00",
        "0301234567-1234567890",
        "12-345678901-2",
        "555-0199-555-0200-555",
        "4111-1111-1111-1111-1111",
        "+49-30-1234567-890123456789",
        "Tel 123456789012345678",
    ] {
        let redacted = redact(text).text;
        let half = redacted.match_indices(']').any(|(at, _)| {
            let mut behind = redacted[at + 1..].chars();
            let first = behind.next();
            first.is_some_and(char::is_alphanumeric)
                || (first.is_some_and(|c| "-./".contains(c))
                    && behind.next().is_some_and(|c| c.is_ascii_digit()))
        });
        let ahead = redacted.match_indices('[').any(|(at, _)| {
            let mut before = redacted[..at].chars().rev();
            let last = before.next();
            last.is_some_and(|c| c.is_ascii_digit())
                || (last.is_some_and(|c| "-./".contains(c))
                    && before.next().is_some_and(|c| c.is_ascii_digit()))
        });
        assert!(!half && !ahead, "{text}: {redacted}");
    }
}

#[test]
fn what_is_nobodys_stays() {
    let longest = "an ordinary sentence about a renewal ".repeat(200);
    stay(&[
        "",
        " ",
        "Renewal with Acme, next step: send the offer.",
        &longest,
        "2026-03-31",
        "2026-03-31T17:00:00Z",
        "2026-03-31T17:00:00.123456789+02:00",
        "due 2026-03-31 17:00, then 2026-04-01",
        "2026-03-31 - 2026-04-02",
        "31.03.2026 and 3/31/2026 and 31/3/2026",
        "01.04. - 30.06.2026",
        "01/2026 - 03/2026",
        "17:00:00.123456789",
        "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001",
        "urn:uuid:0B7E7DEE-1F0E-4B8E-9A31-94C6A7C1A001",
        "00000000-0000-4000-8000-000000000000",
        "{00000000-0000-4000-8000-000000000000}",
        "10k to 50k EUR",
        "12,000.50 EUR",
        "12.000,50 €",
        "1,234,567,890.00",
        "1 000 000 EUR",
        "EUR 100000000",
        "$1000000000",
        "100 000 000 000 EUR",
        "10 000 000",
        "1500000000 USD",
        "25%, 3.5 %, 99.99%",
        "in 2025, 2026-2027, 2024/25",
        "2024 2025 2026",
        "0.1.0",
        "v1.95.0-beta.2, 17.0.12345",
        "192.168.100.200 and 127.0.0.1",
        "3.14159265358",
        "0.12345678901234567890",
        "ba474198-7deb-15d5-e435-aaaa0a000a0a, 00aa0000-a000-aaaa-be01-da99ea0fdac1",
        "1000-2000 units, 50000 - 100000",
        "100 200 300",
        "12345678",
        "order 1234567",
        "room 12, floor 3, 4 people, 5x6",
        "Q3/2026, H1 2026, W14",
        "account 4711",
        "Accounts 2025 2026",
        "account 100000000 EUR",
        "sk-learn and ask-me",
        "a token of thanks, Secret Santa, the key to it",
        "the password is wrong",
        "Bearer of good news",
        "basic needs are covered",
        "pin the note, spin: 1234",
        "the pin 2026-03-31T09:00:00Z, cvv 1900-01-01",
        "@anna, see react@18.2.0, a@b",
        "lunch @ example.com",
        "https://example.com/Some/Path2/to-the-Q3-2026-renewal?q=1",
        "https://localhost:8080/a@b",
        "Acme-Corp-Renewal-2026-Q3-Proposal-Final",
        "getOpportunityByIdFromTheServer",
        "donaudampfschifffahrtsgesellschaft",
        "COORDINATION_PROFILE_SECTIONS_4_TO_6",
        "DE12 is no account, FY26 budget for the next quarter",
        "😀 👩‍👩‍👧 naïve Zoë 日本語テキスト",
        "[key] [e-mail address] [phone number] [card number] [account number]",
        "[account number] 12345678",
    ]);
}

#[test]
fn hidden_characters_and_scripts_hide_nothing() {
    becomes(&[
        ("an\u{200b}na@exam\u{ad}ple.c\u{2060}om", "[e-mail address]"),
        ("anna\u{202e}@\u{feff}example.com!", "[e-mail address]!"),
        ("anna＠example．com", "[e-mail address]"),
        ("+４９ ３０ １２３４５６７", "[phone number]"),
        ("+٤٩ ٣٠ ١٢٣٤٥٦٧", "[phone number]"),
        ("०३०१२३४५६७", "[phone number]"),
        ("+49\u{a0}30\u{2009}123\u{2011}4567", "[phone number]"),
        ("4\u{200b}111 1111\u{200d} 1111 1111", "[card number]"),
        ("1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣9️⃣", "[phone number]"),
        ("pass\u{200b}word: x", "pass\u{200b}word: [key]"),
        ("sk\u{200b}-abc\u{200b}12345", "[key]"),
        (
            "DE89\u{200b} 3704\u{a0}0044 0532 0130 00",
            "[account number]",
        ),
        (
            "\u{200b}anna@example.com\u{200b} x",
            "\u{200b}[e-mail address] x",
        ),
        ("anna\0@example.com", "[e-mail address]"),
    ]);
}

#[test]
fn redaction_reports_kinds_and_count() {
    let redacted = redact("555-0199 a@b.cc 555-0200 [key] password: x");
    assert_eq!(
        redacted.text,
        "[phone number] [e-mail address] [phone number] [key] password: [key]"
    );
    assert_eq!(redacted.found, [Kind::Email, Kind::Phone, Kind::Key]);
    assert_eq!(redacted.count, 4);
    for kind in Kind::ALL {
        assert_eq!(kind.marker(), format!("[{}]", kind.name()));
    }
}

/// Pieces that mean something to a detector, beside anything else.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "@",
            ".",
            "-",
            "+",
            "(",
            ")",
            "/",
            " ",
            "  ",
            "\n",
            ":",
            "=",
            "\"",
            "'",
            "_",
            ",",
            "0",
            "1",
            "4111",
            "1111",
            "2026",
            "03",
            "31",
            "12",
            "555",
            "0199",
            "49",
            "30",
            "1234567",
            "00",
            "12345678",
            "a",
            "b.cc",
            "com",
            "anna",
            "x",
            "eyJ",
            "eyJhbGciOi",
            "sk-",
            "ghp_",
            "password",
            "is",
            "token",
            "key",
            "api",
            "bearer",
            "authorization",
            "account",
            "IBAN",
            "DE89",
            "3704",
            "0044",
            "0532",
            "0130",
            "no",
            "EUR",
            "k",
            "€",
            "%",
            "T17:00:00Z",
            "://",
            "-----BEGIN",
            "-----END",
            "-----",
            "[key]",
            "[account number]",
            "[e-mail address]",
            "[",
            "]",
            " (at) ",
            "(dot)",
            "\u{200b}",
            "\u{301}",
            "１",
            "٣",
            "\u{a0}",
            "–",
            "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001",
            "Ab1",
            "xK9f2LmQ",
            "q7Wz",
            "“",
            "”",
            "pin",
            "ext",
            "xn--",
            "&#64;",
            "%40",
            "\\u0040",
            " at ",
            " dot ",
            "|",
            "~",
            "O",
            "l",
            "Tel",
            "order",
            "no. ",
            "INV-",
            "_id",
            "#",
            "978",
            "&amp;",
            "É",
            "日",
        ])
        .prop_map(str::to_owned),
        "[0-9]{1,20}",
        "[A-Za-z0-9_-]{1,30}",
        ".{0,6}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn doing_it_twice_changes_nothing(text in text()) {
        let once = redact(&text);
        let twice = redact(&once.text);
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert_eq!(twice.count, 0);
        prop_assert_eq!(once.count == 0, once.text == text);
        prop_assert_eq!(once.count == 0, once.found.is_empty());
    }

    #[test]
    fn an_address_between_any_words_is_taken_out(before in "[ a-z]{0,20}", name in "[a-z0-9]{1,12}", behind in "[ ,;!a-z]{0,20}") {
        let redacted = redact(&format!("{before} {name}@mail.example.org {behind}"));
        prop_assert!(!redacted.text.contains("mail.example"), "{}", redacted.text);
        prop_assert!(redacted.found.contains(&Kind::Email));
    }

    #[test]
    fn hidden_characters_in_numbers_change_nothing(
        cuts in proptest::collection::vec((0_usize..15, proptest::sample::select(vec!['\u{200b}', '\u{2060}', '\u{ad}', '\u{feff}', '\u{301}'])), 0..6),
    ) {
        let mut number = "+49 30 1234567".chars().collect::<Vec<_>>();
        for (at, c) in cuts {
            number.insert(at.min(number.len()), c);
        }
        let number = number.into_iter().collect::<String>();
        let redacted = redact(&number);
        prop_assert!(!redacted.text.chars().any(|c| c.is_ascii_digit()), "{number:?}: {}", redacted.text);
    }

    #[test]
    fn dates_uuids_and_words_stay(
        year in 1900..2100, month in 1..=12, day in 1..=28, hour in 0..24, minute in 0..60,
        id in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        words in "[a-df-hj-mq-z]{1,9}( [a-df-hj-mq-z]{1,9}){0,5}",
    ) {
        let text = format!("{words} {year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z {id} {day:02}.{month:02}.{year}");
        prop_assert_eq!(redact(&text).text, text);
    }
}
