//! Recorded exchanges with a REST service: reading them from a folder, in order.

use std::path::Path;

use serde_json::Value;

/// A request and what answered it.
pub(crate) struct TezitExchange {
    /// The file's name without its ending, which says the order.
    pub file: String,
    pub method: String,
    pub path: String,
    /// The value of `authorization` as it was written down: secrets are named, not spelled out.
    pub authorization: Option<String>,
    pub content_type: Option<String>,
    pub body: Value,
    pub status: u64,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    pub answer: Value,
}

impl TezitExchange {
    /// Every exchange in a folder whose file's name starts so, by that name.
    pub(crate) fn read_all(folder: &Path, start: &str) -> Vec<Self> {
        let mut all: Vec<Self> = std::fs::read_dir(folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .filter(|path| {
                path.file_name()
                    .is_some_and(|n| n.to_string_lossy().starts_with(start))
            })
            .map(|path| Self::read(&path))
            .collect();
        all.sort_by(|a, b| a.file.cmp(&b.file));
        all
    }

    fn read(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let json: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = |pointer: &str| {
            let value = json.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let headers = |pointer: &str| -> Vec<(String, String)> {
            let headers = json.pointer(pointer).and_then(Value::as_object);
            let headers = headers.into_iter().flatten();
            headers
                .map(|(k, v)| (k.to_lowercase(), v.as_str().unwrap_or_default().to_owned()))
                .collect()
        };
        let sent = headers("/request/headers");
        let header = |name: &str| {
            let mut sent = sent.iter();
            sent.find(|(k, _)| k == name).map(|(_, v)| v.clone())
        };
        Self {
            file: path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            method: text("/request/method"),
            path: text("/request/path"),
            authorization: header("authorization"),
            content_type: header("content-type"),
            body: json.pointer("/request/body").cloned().unwrap_or_default(),
            status: json
                .pointer("/response/status")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
            headers: headers("/response/headers"),
            answer: json.pointer("/response/body").cloned().unwrap_or_default(),
        }
    }

    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// The subject of the exchange: the file's name without its order.
    pub(crate) fn name(&self) -> &str {
        let after = self.file.find(|c: char| c.is_ascii_digit());
        let name = after
            .and_then(|at| self.file.get(at..))
            .unwrap_or(&self.file);
        name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-')
    }
}
