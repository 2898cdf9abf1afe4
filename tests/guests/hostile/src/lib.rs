//! Shared parts of the hostile components: the bindings, a way to send a request, and the allowed
//! requests.
#![allow(
    unsafe_code,
    reason = "the generated bindings of a component's world declare symbols"
)]

pub mod bindings {
    //! Generated.
    #![allow(
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]
    wit_bindgen::generate!({
        path: "wit",
        world: "hostile",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "hostile::bindings",
    });
}

pub mod wire;

use bindings::claw::skill::types::{Failure, Outage};
use bindings::exports::test::hostile::read::RunAnswer;
use wire::Request;

/// A document that the manifest lists.
pub const FIND: &str = "query Find($q: String!) { find(q: $q) { id } }";
/// A document that the manifest lists as one that writes.
pub const MAKE: &str = "mutation Make($q: String!) { make(q: $q) { id } }";
/// A document that the manifest lists, with the kinds that it may be asked for and the length of
/// what it looks for.
pub const SEARCH: &str = "query Search($query: String!, $kinds: [String!]!) { search(query: $query, kinds: $kinds) { id } }";
/// The planted value that a stealing component tries to carry out. The tests look for it wherever
/// it must not be.
pub const LOOT: &str = "planted-loot-7f3a";

/// A request with a document and its variables.
#[must_use]
pub fn document(origin: &str, text: &str, variables: &str) -> Request {
    let text = text.replace('"', "\\\"").replace('\n', "\\n");
    Request {
        method: "POST",
        path: "/query".to_owned(),
        headers: vec![("content-type", b"application/json".to_vec())],
        body: format!(r#"{{"query":"{text}","variables":{variables}}}"#).into_bytes(),
        ..Request::get(origin, "")
    }
}

/// The request that every one of them may make.
#[must_use]
pub fn allowed(origin: &str) -> Request {
    document(origin, FIND, r#"{"q":"x"}"#)
}

/// Converts the outcome of a request into the answer of an action.
///
/// # Errors
/// What went wrong, as an outage.
pub fn answer(result: Result<u16, String>) -> Result<RunAnswer, Failure> {
    let outage = |reason| {
        Failure::Unavailable(Outage {
            request_sent: false,
            reason,
            next: "Look at what the harness says.".to_owned(),
        })
    };
    result.map(|status| RunAnswer { status }).map_err(outage)
}

/// Makes a component of a function that is given the origin and whether to offend.
#[macro_export]
macro_rules! component {
    ($run:path) => {
        #[allow(dead_code, reason = "it is exported where it is built for wasm alone")]
        struct Component;

        const _: fn(&str, bool) -> Result<u16, String> = $run;

        impl $crate::bindings::exports::test::hostile::read::Guest for Component {
            fn run(
                request: $crate::bindings::exports::test::hostile::read::RunRequest,
            ) -> Result<
                $crate::bindings::exports::test::hostile::read::RunAnswer,
                $crate::bindings::claw::skill::types::Failure,
            > {
                $crate::answer($run(&request.origin, request.offend))
            }
        }

        #[cfg(target_family = "wasm")]
        $crate::bindings::export!(Component);
    };
}
