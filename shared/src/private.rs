//! Types that carry what is said of a patient.

/// Has `{:?}` show nothing of a type but its name, so that neither a log line nor a panic can quote a patient. Unit tests
/// derive `Debug` instead, since there a failed comparison must show both sides.
macro_rules! private {
    (@always $name:ident $(<$lifetime:lifetime>)?) => {
        impl $(<$lifetime>)? std::fmt::Debug for $name $(<$lifetime>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(private)"))
            }
        }
    };
    ($($type:tt)+) => {
        #[cfg(not(test))]
        private!(@always $($type)+);
    };
}
pub(crate) use private;

#[cfg(test)]
mod tests {
    #[test]
    fn a_private_value_shows_its_type_alone() {
        struct Said<'a> {
            _name: &'a str,
        }
        private!(@always Said<'a>);
        let said = Said { _name: "A. Khan" };
        assert_eq!(format!("{said:?}"), "Said(private)");
    }
}
