//! Runs skill components under a policy they cannot widen.
