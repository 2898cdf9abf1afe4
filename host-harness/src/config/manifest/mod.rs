//! `skill.toml`, the manifest of a skill. An operator can grant less than it asks for, never more.

mod documents;
mod limits;
mod members;
mod model;
mod routes;
mod writes;

pub use limits::Limits;
pub use members::{Member, Members, MembersAt};
pub use model::{
    Additions, CallerSettingSection, Confirmation, DestinationSection, DocumentSection,
    FoundSection, GroupSection, Manifest, MembersSection, PeopleSection, RepeatSection,
    RouteSection, SettingSection, SkillSection, WriteSection,
};
